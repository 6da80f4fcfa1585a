"""Where a draft goes: targets, the moment, what each would get and why not, and what became of it before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from screens.confirm import Confirm
from screens.content_targets import (
    FAILING,
    STATES,
    UNDER_WAY,
    WAITING,
    WORDS,
    TargetList,
    Told,
    keys_of,
    last_of,
    marks_of,
    possible,
    told_of,
    words_of,
)
from screens.dialog import Dialog
from screens.git_faults import told
from widgets.content_lines import markdown_lines
from widgets.figures import moment, short_age, wall_clock
from widgets.lines_view import LinesView, TextLine, folded
from widgets.row_list import RowList
from widgets.safe_text import clean, clean_line

if TYPE_CHECKING:
    from textual.worker import Worker

    from app.content.model import Publication
    from app.content.outgoing import Delivered
    from app.content.publishing.decisions import Decision
    from app.content.publishing.model import Problem
    from app.content.publishing.publisher import Preview

SHOWN = 20_000
"""Characters of a message that are shown."""
EVERY_S = 2.0
"""How often is looked what became of something that goes on by itself, which another program may be sending."""


class Ways(Protocol):
    """What can be done with the draft."""

    async def look(self, target: str) -> Preview:
        """What a target would get."""

    async def read(self) -> Sequence[Delivered]:
        """What became of it before, the last first."""

    async def states(self) -> Sequence[Publication]:
        """Its deliveries alone, the last first."""

    def follow(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call this when deliveries may have changed, until what is returned is called."""

    async def order(self, targets: Sequence[str], at: str, override: str, *, again: bool) -> str:
        """Publish, also once more with `again`; how a change of the clocks was decided, if it was."""

    async def edit(self, sent: Publication, override: str) -> None:
        """Put the text as it is now in place of what was sent."""

    async def take_back(self, sent: Publication) -> None:
        """Take away what was sent."""

    async def decide(self, publication: Publication, decision: Decision) -> None:
        """It did arrive, is sent again, or is not sent."""


class Publish(Dialog[tuple[Told, str] | None]):
    """Dismissed with what was ordered and its state in words, or None. It follows its deliveries as they go on."""

    DEFAULT_CSS = """
    Publish .dialog { width: 96%; max-width: 150; height: 92%; padding: 0 1; }
    Publish #sides { height: 1fr; }
    Publish #targets { width: 44; height: 1fr; }
    Publish TargetList { background: $surface; margin-bottom: 1; }
    Publish LinesView { width: 1fr; height: 1fr; background: $surface; padding: 0 0 0 2; }
    Publish Input, Publish Input:focus { height: 1; border: none; background: $panel; padding: 0 1; margin-bottom: 1; }
    Publish Static { color: $text-muted; width: 1fr; height: auto; max-height: 5; }
    Publish.-narrow #sides { layout: vertical; }
    Publish.-narrow #targets { width: 1fr; height: auto; }
    Publish.-narrow TargetList { max-height: 4; margin-bottom: 0; }
    Publish.-narrow .label { display: none; }
    Publish.-narrow Input, Publish.-narrow Input:focus { margin-bottom: 0; }
    Publish.-narrow LinesView { padding: 0; border-top: solid $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", tooltip="Publish there, or not", id="publish.tick"),
        Binding("enter", "publish", "Publish", tooltip="Send it to what is ticked, now or then", id="publish.go"),
        Binding("e", "edit", "Change there", tooltip="This text in place of what was sent", id="publish.edit"),
        Binding("D", "take_back", "Take back", tooltip="Take away what was sent", id="publish.take_back"),
        Binding("r", "decide('resend')", "Send again", tooltip="What failed, was missed or is unknown", id="publish.r"),
        Binding("y", "decide('sent')", "It arrived", tooltip="What is unknown did arrive", id="publish.arrived"),
        Binding("d", "decide('drop')", "Let go", tooltip="What waits or failed is not sent", id="publish.drop"),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="The next field", id="publish.next"),
        Binding("shift+tab", "app.focus_previous", "Before", show=False, tooltip="Field before", id="publish.previous"),
        Binding("escape", "leave", "Leave", tooltip="Send nothing", id="publish.leave"),
    ]

    def __init__(self, title: str, kinds: Mapping[str, str], ticked: Iterable[str], ways: Ways) -> None:
        super().__init__()
        self._title, self._ways = title, ways
        self.list = TargetList(kinds, ticked)
        self.view = LinesView()
        self._previews: dict[str, Preview | str] = {}
        self._delivered: Sequence[Delivered] = ()
        self._known = False
        self._at_work = False
        self._ordered: dict[str, None] = {}
        self._clocks = ""
        self._follows = False
        """What is said is the state of what was ordered."""
        self._unfollow: Callable[[], None] = lambda: None
        self._reading: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(f"Publish {clean_line(self._title, 80)}")
            with Horizontal(id="sides"):
                with Vertical(id="targets"):
                    yield self.list
                    for name, label, hint in (
                        ("when", "when", "when: now; tomorrow 9:00, in 90m"),
                        ("override", "in spite of style or secrets", "a reason, kept with the delivery"),
                    ):
                        yield Static(Content(label), classes="label")
                        entry = Input(placeholder=hint, compact=True, id=name)
                        entry.cursor_blink = False
                        yield entry
                    yield Static(Content(""), id="said")
                yield self.view

    def on_mount(self) -> None:
        self.list.set_rows(list(self.list.kinds), keep=False)
        self.list.styles.height = min(len(self.list.kinds), 16)
        self.list.focus()
        self.view.set_placeholder(((("looking", "$text-muted"),),))
        self._hint()
        self.run_worker(self._look_at_all(), exit_on_error=False)
        self._unfollow = self._ways.follow(self._changed)
        self.set_interval(EVERY_S, self._look_on)

    def on_unmount(self) -> None:
        self._unfollow()

    def on_resize(self) -> None:
        """Below each other where there is no room side by side."""
        self.set_class(self.app.size.width < 110, "-narrow")
        self._hint()

    def _hint(self) -> None:
        keys = keys_of(self.chosen, min(self.app.size.width * 96 // 100, 150) - 6)
        self.query_one(".dialog", Vertical).border_subtitle = Content.assemble(
            *(part for key, about in keys for part in ((key, "$accent"), (f" {about}  ", "$text-muted")))
        )

    @property
    def chosen(self) -> Publication | None:
        """The last delivery of the target under the cursor."""
        last = self.list.last.get(self.list.cursor_row or "")
        return last.publication if last is not None else None

    async def _look_at_all(self) -> None:
        await self._read()
        for name in self.list.kinds:
            try:
                preview = await self._ways.look(name)
                self._previews[name] = preview
                self.list.problems[name] = len(_hinder(preview))
            except Exception as error:
                self._previews[name] = told(error)
                self.list.problems[name] = 1
            self.list.refresh_changed()
            self._show()

    async def _read(self) -> None:
        try:
            self._delivered = await self._ways.read()
            self._known = True
        except Exception as error:
            self._say(f"⚠ where it was published is not known: {told(error).partition(chr(10))[0]}", "$warning")
        last = last_of(each.publication for each in self._delivered)
        self.list.last = {
            each.publication.target: each for each in self._delivered if each.publication in last.values()
        }
        self.list.refresh_changed()
        if self._follows:
            self._tell()
        if self.is_mounted:
            self._show()
            self._hint()

    def _changed(self) -> None:
        if self._known and self.is_mounted:
            self._reading = self.run_worker(self._read_changed, group="follow", exclusive=True, exit_on_error=False)

    def _look_on(self) -> None:
        if any(each.publication.state in (*WAITING, *UNDER_WAY) for each in self._delivered):
            self._changed()

    async def _read_changed(self) -> None:
        # Whether a text differs from what was sent takes its time to find out: only where something is another now.
        if marks_of(await self._ways.states()) != marks_of(each.publication for each in self._delivered):
            await self._read()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Show what this target would get."""
        if event.list is self.list:
            self._show()
            self._hint()

    def _show(self) -> None:
        if self.list.cursor_row in self._previews and self.is_mounted:
            self.view.show(self._lines)

    def _lines(self, width: int) -> Iterator[TextLine]:
        name = self.list.cursor_row or ""
        preview = self._previews[name]
        if isinstance(preview, str):
            yield from folded(clean(preview), width, lead=("✗ ", "$error"))
            return
        for problem in _hinder(preview):
            more = "  (a reason lets it through)" if problem.overridable else ""
            yield from folded(f"{clean_line(problem.what, 400)}{more}", width, lead=("✗ ", "$error"))
        if not _hinder(preview):
            yield TextLine((("✓ ", "$success"), ("nothing keeps it from being sent", "")))
        yield from self._became(name, width)
        parts = preview.final.parts
        for number, part in enumerate(parts, 1):
            yield TextLine()
            head = f"message {number} of {len(parts)}" if len(parts) > 1 else "what is sent"
            yield TextLine(((f"── {head}, {len(part.text):,} characters ", "$text-muted"),))
            yield from markdown_lines(part.text[:SHOWN], width)

    def _became(self, name: str, width: int) -> Iterator[TextLine]:
        for each in self._delivered:
            sent = each.publication
            if sent.target != name:
                continue
            sign, tone = STATES[sent.state]
            what = words_of(sent)
            if sent.state == "scheduled":
                what = f"{what}  {moment(sent.due_at.timestamp(), wall_clock())} {sent.zone}".rstrip()
            else:
                what = f"{what}  {short_age(wall_clock() - sent.updated_at.timestamp())}"
            if each.differs:
                what += ", and the draft is another one now"
            what += f"  {clean_line(sent.error or sent.url, 200)}" if sent.error or sent.url else ""
            yield from folded(what, width, "$text-muted", lead=(f"{sign} ", tone), limit=3)

    # Publishing

    def action_tick(self) -> None:
        """Publish there, or not."""
        if (row := self.list.cursor_row) is not None and self.list.has_focus:
            self.list.ticked ^= {row}
            self.list.refresh_changed()
            if not self._follows and str(self.query_one("#said", Static).content).startswith("✗"):
                self._say("", "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """`enter` in a field publishes, too."""
        event.stop()
        self.action_publish()

    def action_publish(self) -> None:
        """Publish to what is ticked; where it stands already, or is on its way, only after a question."""
        again = [name for name in self.list.kinds if name in self.list.ticked and self._stands(name)]
        if not again:
            self._publish(again=False)
            return
        lines = []
        for name in again:
            last = self.list.last[name]
            what = WORDS.get(last.publication.state, last.publication.state)
            same = "another text than now" if last.differs else "this very text"
            age = short_age(wall_clock() - last.publication.updated_at.timestamp())
            lines.append(f"{name}: {what}, {age} ago" + (f", {same}" if last.publication.state == "sent" else ""))
        detail = "\n".join(lines) + "\n\nReaders would have it twice; e changes what is there."
        question = Confirm("Publish it once more?", detail, yes="once more", no="leave it")
        self.app.push_screen(question, lambda yes: self._publish(again=True) if yes else None)

    def _stands(self, name: str) -> bool:
        last = self.list.last.get(name)
        return last is not None and last.publication.state in ("sent", "unknown", *WAITING, *UNDER_WAY)

    def _publish(self, *, again: bool) -> None:
        chosen = [name for name in self.list.kinds if name in self.list.ticked]
        self._work("sending", self._order(chosen, again))

    async def _order(self, chosen: Sequence[str], again: bool) -> None:
        at, override = self._entered("when"), self._entered("override")
        self._clocks = await self._ways.order(chosen, at, override, again=again)
        self._ordered = dict.fromkeys(chosen)
        await self._read()
        self._tell()
        if not any(each.state in FAILING for each in self._told()):
            self.action_leave()

    def _told(self) -> list[Publication]:
        return [self.list.last[name].publication for name in self._ordered if name in self.list.last]

    def _tell(self) -> None:
        """Say what became of what was ordered here, and go on saying it as it changes."""
        self._say(*told_of(self._told()))
        self._follows = True

    # What was sent before

    def action_edit(self) -> None:
        """Put this text in place of what was sent."""
        if (sent := self.chosen) is not None and sent.state == "sent":
            self._work("changing it there", self._done(self._ways.edit(sent, self._entered("override")), "changed"))

    def action_take_back(self) -> None:
        """Take away what was sent, after a question."""
        sent = self.chosen
        if sent is None or sent.state != "sent":
            return
        detail = f"{sent.target}: {clean_line(sent.title, 80)}\nReaders no longer find it there; the draft stays."
        self.app.push_screen(
            Confirm("Take back what was sent?", detail, yes="take it back", no="leave it"),
            lambda yes: (
                self._work("taking it back", self._done(self._ways.take_back(sent), "taken back")) if yes else None
            ),
        )

    def action_decide(self, decision: Decision) -> None:
        """Settle what does not go on by itself."""
        sent = self.chosen
        key = {"sent": "y", "resend": "r", "drop": "d"}[decision]
        if sent is None or key not in dict(possible(sent)):
            return
        said = {"sent": "it counts as sent", "resend": "sent", "drop": "it is not sent"}[decision]
        self._work("a moment", self._done(self._ways.decide(sent, decision), said, follows=decision != "drop"))

    async def _done(self, work: Awaitable[None], said: str, *, follows: bool = True) -> None:
        await work
        await self._read()
        last = self.chosen
        if follows and last is not None and last.state in (*FAILING, *WAITING, *UNDER_WAY):
            self._ordered[last.target] = None
            self._tell()
        else:
            self._say(f"✓ {said}", "$success")

    # Work

    def _entered(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _work(self, said: str, work: Coroutine[Any, Any, None]) -> None:
        if self._at_work:
            work.close()
            return
        self._at_work = True
        self._say(said, "$text-muted")
        self.run_worker(self._finish(work), exit_on_error=False)

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._say(f"✗ {told(error)}", "$error")
        finally:
            self._at_work = False

    def _say(self, text: str, style: str) -> None:
        self._follows = False
        if self.is_mounted:
            self.query_one("#said", Static).update(Content.styled(clean(text, 400), style))

    def action_leave(self) -> None:
        """Leave; what was ordered goes on."""
        ordered = Told(tuple(self._ordered), self._clocks)
        found = [each.publication for each in self._delivered]
        self.dismiss((ordered, ordered.words(found)) if self._ordered else None)


def _hinder(preview: Preview) -> list[Problem]:
    """What keeps a text from being sent; that it stands there already is asked about."""
    return [problem for problem in preview.problems if problem.kind != "published"]
