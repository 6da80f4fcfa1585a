"""Whether words could stand as a sentence of their own. Told by signs that are sure; in doubt for the author to say."""

from __future__ import annotations

from collections.abc import Sequence

from app.content.style.prose import word_set

_SUBJECTS = word_set(
    """
    i we you he she it they there this that these those everything nothing something everyone nobody somebody
    someone everybody anyone i'm we're you're he's she's it's they're there's that's i've we've they've i'll we'll
    it'll i'd we'd let's here's who's what's
    """
)
_FINITE = word_set(
    """
    is are was were am has have had does do did can could will would should must may might shall cannot isn't
    aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't can't couldn't won't wouldn't shouldn't
    mustn't went came ran fell broke took made got gave found knew saw stood kept held left felt became began won
    lost sat said told meant brought built sent spent paid met led grew flew drew wrote spoke chose works fails
    runs passes breaks makes takes gets gives goes comes needs wants keeps stops starts says shows helps means
    looks seems feels becomes begins wins loses knows thinks matters lives stays remains reads writes tells holds
    moves stands sits happens changes follows depends exists
    """
)
_DEPENDENT = word_set(
    """
    which who whom whose that because although though if when whenever while since where wherever as unless until
    whether than to for with without of in on at by from like after before not even especially including such
    """
)
_JOINING = word_set(
    """
    and but or so yet nor then
    """
)


def is_clause(words: Sequence[str]) -> bool:
    """Whether the words have a subject and a finite verb, and nothing before it that makes them depend on others."""
    folded = [word.casefold().replace("’", "'") for word in words]
    while folded and folded[0] in _JOINING:
        folded = folded[1:]
    if len(folded) < 2:
        return False
    if folded[0] in _DEPENDENT and not (folded[0] == "that" and folded[1] in _FINITE):
        return False
    if folded[0] in _SUBJECTS:
        return True
    return any(word in _FINITE or (len(word) > 4 and word.endswith("ed")) for word in folded[1:])


def is_subject(words: Sequence[str]) -> bool:
    """Whether the words begin a sentence, as `It` and `we tried it` do, and so are no name of something."""
    return words[0].casefold() in _SUBJECTS or is_clause(words)


def is_joining(word: str) -> bool:
    """Whether it joins what follows to what came before."""
    return word.casefold() in _JOINING
