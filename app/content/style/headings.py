"""Headings Whose Words All Begin With a Capital, and which of those capitals may go.

A capital goes only where the word is sure to be no name: it is on a list of words that headings are made of. What is
not on it stays as it is, since nobody can tell `Docker` from `Dinner` by its letters: a proposal may leave a capital
too many, and should never take one from a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.content.style.model import Rule, Style
from app.content.style.prose import Hit, Prose, word_set
from app.content.style.spans import PROTECTED

_OPENED = re.compile(r"(?:[.:!?…(\[/]|[—―–]|\s-|\bv(?:s|ersus)\.?)[\s\"'“‘(]*$")
"""After these a new thought begins, which may have its capital."""
_QUOTED = re.compile('["“„«][^"“”„«»]{1,200}["”»]|(?<!\\w)‘[^‘’]{1,200}’(?!\\w)')
_LETTERED = word_set(
    """
    appendix category class exhibit figure grade group hepatitis line mr option part plan section series team type
    version vitamin
    """
)
"""Words that a single letter follows as a name: `Plan A`."""


_LINKING = word_set(
    """
    a about above across after against all also along among an and any are around as at be because been before behind
    being below beneath beside between beyond both but by can could did do does doing done during each either else
    every few for from get gets getting got had has have having he her here his how if in inside into is it its itself
    just less let like many me more most much my near neither no nor not of off on once one only onto or other our
    ours out over own per she should so some such than that the their them then there these they this those through to
    too toward towards under until up upon us via was we well were what when where whether which while who whose why
    with within without would yet you your yours
    """
)
"""Words that say nothing by themselves and are never a name."""
_PLAIN = word_set(
    """
    ability accept access account achieve acknowledgements across action add added adding additional additions
    advanced advice after again ahead alternative alternatives always analysis announcement announcements another
    answer answers applying approach approaches argument arguments article ask asked asking assumptions attempt
    attributes audience author authors automate automated automatic automatically available avoid avoiding away
    backing backup backups bad based basic basics become before began begin beginner beginners beginning begins
    behavior behaviour benchmark benchmarks benefit benefits best better big bigger biggest bit block blocks book
    books break breaking brief bring bringing broken bug bugs build building built bugfixes call called calling calls
    case cases cause causes caveats chain challenge challenges change changed changelog changes changing chapter cheap
    cheaper check checking checklist checks choice choices choose choosing clean cleaner cleaning cleanup clear close
    closed closing code coding collecting combining come comes coming command commands comment comments commits common
    community compare compared comparing comparison comparisons compatibility complete completed complex complexity
    components computing concept concepts conclusion conclusions conditions config configuration configure configured
    configuring connect connecting connection connections consequence consequences considerations considered contact
    content contents context contribute contributing contribution contributions contributors control convention
    conventions converting cost costs create created creating creation credits crash crashes current custom customer
    customers customizing daily dangerous data date dates day days dead deadline deal dealing debugging decide decided
    decision decisions deep default defaults define defined defining definition definitions delete deleting demo demos
    dependencies dependency deploy deploying deployment deployments deprecated deprecation deprecations design
    designing desired detail details detecting determine develop developer developers developing development
    difference differences different difficult directory disable disabling discussion distribution docs documentation
    documents down download downloading downloads draft drafts driven driver drivers early easier easily easy edit
    editing editor effect effects effort element elements enable enabled enabling end ending ends engine enough ensure
    environment environments error errors estimate estimates evaluation even event events ever everybody everyone
    everything evidence example examples exception exceptions execution exercise exercises existing exit expect
    expectations expected expensive experience experiences experiment experimental experiments explain explained
    explaining explanation export exporting exports extended extending extension extensions external extra fact facts
    fail failed failing fails failure failures false far fast faster fastest feature features feedback fewer field
    fields figures file files filter filters final finally find finding findings finds fine finish finished finishing
    first fix fixed fixes fixing flaky flow folder folders follow following follows form format formats formatting
    forms forward found four free freely frequently friendly full fully function functions further future general
    generate generated generating generation given gives giving goal goals going good great group groups growing grows
    growth guide guideline guidelines guides half handle handled handling happen happened happening happens hard
    harder heading headings health help helpful helping hidden high higher highlights history hosting hour hours idea
    ideas impact implement implementation implementations implemented implementing implications important import
    importing imports improve improved improvement improvements improving include included includes including index
    information initial input inputs inspiration install installation installing instead instruction instructions
    integrate integrating integration integrations internal internals introduce introducing introduction investigation
    issue issues item items job jobs journey keep keeping keeps key keys kind kinds knowing known knows language
    languages large larger last late later latest launch lead learn learned learning learnt least leave leaving left
    lesson lessons level levels libraries library license licensing life limit limitation limitations limits list
    listing lists little live load loading local log logging logic logs long longer look looking looks lost lots low
    lower machine machines made main maintain maintainers maintaining maintenance make makes making manage management
    managing manual manually mean meaning means measure measured measurement measurements measuring meet meeting
    meetings meetups memory message messages method methods metrics migrate migrating migration migrations minor
    minute minutes miscellaneous missing mistake mistakes mode model models modes modern module modules month months
    morning motivation move moved moves moving multiple name named names naming need needed needs network never new
    newest newsletter next none note notes nothing notice now number numbers objectives often old older open opening
    operation operations optimization optimizations optional options order ordering organization organizing origin
    original others outcome outcomes output outputs outstanding overview package packages packaging page pages panel
    paper parsing part parts past patch path paths pattern patterns people performance permission permissions
    persistence picture pictures piece pieces pitfalls place places plan planned planning plans platform platforms
    point points policies policy poor popular possible post posts power powerful practical practice practices prepare
    preparing prerequisites present press preview previous price prices pricing principle principles problem problems
    procedure procedures process processes processing product production products profile profiles profiling program
    programming programs progress project projects proof proper properties property proposal proposals provide
    provided providing publish published publishing purpose quality query querying questions queue quick quicker
    quickly quickstart random range rather ready real reason reasons recent recipes recommendations recommended
    recovery reduce reduced reducing reference references registering regression regressions related relationship
    release released releases releasing remaining remarks remember remote remove removed removing rename renamed
    report reporting reports repositories repository request requests require required requirement requirements
    requires research resolved resource resources response responses result results retrospective return returns
    revenue review reviewing reviews right risk risks roadmap role roles rollback rollout rules run running runs safe
    safely safer safety same sample samples save saved saving scenario scenarios schedule scheduling scope screen
    screens screenshots script scripts search searching second section sections security seen select selecting send
    sending sent server servers service services session sessions setting settings setup seven several shared sharing
    shell shipped ships short shortcuts shorter show showing shown shows side simple simpler simplest simplify single
    size sizes slow slower small smaller smarter software solution solutions solve solved solving something soon
    source sources specific specification specifications speed speeding stability stable stage stages standards start
    started starting starts state statement statements states statistics status stay step steps still stop stopped
    stopping stops storage store stored stories story strategies strategy structure structures stuff style styles
    styling success successful sudden suggestions summary support supported supporting supports surprise surprises
    surprising syntax system systems table tables take taken takes takeaways taking talk talking target targets task
    tasks technical techniques template templates terminology terms test tested testing tests text texts thank thanks
    theory thing things think thinking third third-party thought thoughts three time timeline times timing tip tips
    title titles today together tomorrow took tool tooling tools top topic topics total tour training transition
    tricks trouble troubleshooting true trust truth try trying tutorial tutorials twice two types typical unchanged
    unclear understand understanding unexpected uninstall uninstalling unit unknown unreleased unsupported update
    updated updates updating upgrade upgrades upgrading upcoming usage use used useful user users uses using usual
    validation value values variable variables variant variants various verification verify version versions view
    views wanted warning warnings way ways week weekly weeks went whole wins winning work worked workflow workflows
    working works workshop world worse worst worth write writer writers writing written wrong wrote year yearly years
    yesterday yourself
    """
)
"""Words that headings are made of, and that are seldom part of a name."""
_IN_NAMES = word_set(
    """
    access block blocks book books build building check code command commands community components computing
    configuration connect content context control custom customer data date day deep default deployment design
    developer developers development directory docs documentation documents download driver early editor element
    elements engine environment event events experience export extensions feedback field file files filter first flow
    folder form format forms free full function functions future general group guide guidelines health help hidden
    history import index information input inspiration integration integrations issue issues item job jobs key keys
    language languages launch learn learning level library libraries life limit list live local log logic logs machine
    machines main maintenance management manual memory message messages method methods metrics mode model models
    module modules month named network never new newsletter next note notes notice number open operations order
    organization output overview package packages page pages panel paper part parts past patch path paths pattern
    people performance permissions picture place plan platform platforms point policy post posts power practice
    practices press preview principle principles process product production products profile program programming
    project projects property proof publishing quality query queue quick random ready real reference release releases
    remote report reports repositories repository request requests research resource resources response review role
    roles rules safe sample schedule scheduling screen script scripts search section security server servers service
    services session setting settings shared shell simple single small software source specification speed stage
    standards start state statistics status storage store stories story strategy structure style styles summary
    support syntax system systems table tables target task tasks template templates test testing tests text texts
    theory thing things thought time tool tooling tools topic training transition true trust two types unit update
    user validation value variable version versions view views week work workflow workflows working works workshop
    world writer year
    """
)
"""Of those the ones that names end or begin with: `Visual Studio Code`, `Model Context Protocol`."""
_NEGATED = word_set(
    "aren can couldn didn doesn don hadn hasn haven isn shouldn wasn weren won wouldn i'm it let what that"
)
_FOREIGN = word_set(
    """
    al aux avec che con dans de dei del della dem den der des det di die das du een ein eine einem einen einer el en
    et für gli het ich il im ist la las le les lo los mit nach nicht och oder para por pour que sich sie sur um un una
    und une van vom von wie y zu zum zur är över
    """
)
"""Words by which a heading is told to be in another language, where other words have capitals."""


def headline(prose: Prose, _style: Style, rule: Rule) -> Iterator[Hit]:
    """Headings Whose Words Begin With a Capital, with the capitals that may go."""
    text = prose.text
    words = [word for word in prose.words if PROTECTED not in word[0]]
    folded = [word.lower().replace("’", "'") for word, _, _ in words]
    if any(word in _FOREIGN or not word.replace("'", "").isascii() for word in folded):
        return
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    names = _names(words, folded, text)
    low: list[int] = []
    told = capitals = small = last = 0
    for index, (word, start, end) in enumerate(words):
        if (
            start == prose.words[0][1]
            or _OPENED.search(text[max(0, start - 12) : start])
            or any(a <= start < b for a, b in quoted)
        ):
            continue
        linking = folded[index] in _LINKING
        if word.islower():
            small += not linking and len(word) > 3
        elif not names[index]:
            low += [start + match.start() for match in re.finditer(r"(?:^|(?<=-))[A-Z]", word)]
            capitals += 1
            told += not linking
            last = end
    if capitals <= small or (not told and capitals < 2):
        return
    if capitals == 1 and not (len(words) == len(prose.words) == 2 and not names[0]):
        # `Web Components`, `Hacker News`: one word may make a name of another.
        return
    whole = list(prose.content)
    for place in low:
        whole[place] = whole[place].lower()
    start = low[0]
    replacement = "".join(whole[start:last])
    if "\n" in replacement:
        yield Hit(start, last)
    else:
        yield Hit(start, last, rule.fix, replacement)


def _names(words: list[tuple[str, int, int]], folded: list[str], text: str) -> list[bool]:
    """For each word whether its capital may be that of a name."""
    names = [not _is_plain(word) or _is_letter(folded, index) for index, (word, _, _) in enumerate(words)]
    beside = [text[end : words[index + 1][1]] == " " for index, (_, _, end) in enumerate(words[:-1])]
    # What stands beside a name and could be part of it is left with it, and what stands beside that.
    for steps in (range(1, len(words)), range(len(words) - 2, -1, -1)):
        for index in steps:
            near = index - 1 if steps.step > 0 else index + 1
            beyond = words[near][0]
            capital = beyond[:1].isupper() and not beyond.isupper()
            if names[near] and capital and not names[index] and beside[min(index, near)]:
                names[index] = folded[index] in _IN_NAMES
    return names


def _is_plain(word: str) -> bool:
    """Whether it is written with a capital and the rest small, and is a word of headings, as are all its parts."""
    bare = re.sub(r"['’](?:s|re|ve|ll|d|t|m)$", "", word)
    parts = bare.split("-")
    return all(
        (part.istitle() or (number and part.islower())) and (part.lower() in _LINKING or part.lower() in _PLAIN)
        for number, part in enumerate(parts)
    ) or (word[:1].isupper() and word[1:].islower() and bare.lower() in _NEGATED)


def _is_letter(folded: list[str], index: int) -> bool:
    """Whether the word is the name of one: `Plan A`."""
    return folded[index] == "a" and (index + 1 == len(folded) or (index > 0 and folded[index - 1] in _LETTERED))
