"""Builds the services from the settings, and takes them down again. Loaded only after the first frame."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from app import log as logs
from app import paths, settings
from app.content.service import ContentService
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus, GitRepositories, SettingsChanged, SourcesChanged, StorageChanged
from app.feedback.discord.configured import Following
from app.feedback.retrain.configured import Retraining
from app.feedback.retrain.model import Pipeline
from app.feedback.service import FeedbackService
from app.git.model import RepositorySpec
from app.git.service import GitService
from app.moving import Moving
from app.storage import Storage
from app.testing.service import TestingService, testing_options

log = logging.getLogger(__name__)

CONFIG_CHECK_S = 2.0
LAST_SEEN = "last/tests.json"
MOVED = "last/moved.json"
LAST_SEEN_GIT = "last/git.json"


class Runtime:
    """Everything that runs behind the screens. `create` may raise a SettingsError; `start` never does."""

    def __init__(self, file: settings.SettingsFile) -> None:
        self._file = file
        self.log_path = logs.setup(self.settings.log, secrets=file.current.secrets())
        self.bus = Bus()
        self._opened = self.settings.database
        self.storage = Storage.open(self.settings, apart=True)
        self.git = self._build_git()
        self.testing = self._build_testing()
        self.feedback = self._build_feedback()
        self.retrain = self._build_retrain()
        self.discord = self._build_discord()
        self.content = self._build_content()
        self.moving = Moving(self.db, bus=self.bus, memory=paths.state_dir() / MOVED, config=file.current.path)
        self._following: asyncio.Task[None] | None = None
        self._unfollow: Callable[[], None] = self.bus.subscribe(StorageChanged, _log_storage)

    @classmethod
    def create(cls, config: Path | None = None) -> Runtime:
        """Read the configuration and build everything; nothing connects or starts yet."""
        return cls(settings.SettingsFile(config))

    @property
    def settings(self) -> settings.Settings:
        """The settings in force."""
        return self._file.current.settings

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the configuration is not in force, and what to do about it."""
        database = "[database] has changed: restart to use it"
        found = tuple(f"{problem.key}: {problem.text}" for problem in self._file.current.unset)
        return found if self.settings.database == self._opened else (database, *found)

    @property
    def db(self) -> Database:
        """The database."""
        return self.storage.db

    @property
    def spool(self) -> Spool:
        """The journal of waiting writes."""
        return self.storage.spool

    async def start(self) -> None:
        """Start the services; what cannot start says so in its own area and keeps nothing else from starting."""
        # First: once the waiting writes are on a new server it is not empty any more.
        self.moving.open()
        self.spool.start(self.db, self.bus)
        await self.git.start()
        await self.testing.start()
        await self.feedback.start()
        await self.retrain.start()
        await self.discord.start()
        await self.content.start()
        self._following = asyncio.create_task(self._follow_config())

    async def close(self) -> None:
        """Stop in the reverse order. Writes that the database has not taken yet stay in the journal."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.moving.close()
        self._unfollow()
        await self.content.close()
        await self.discord.close()
        await self.retrain.close()
        await self.feedback.close()
        await self.testing.close()
        await self.git.close()
        await self.storage.close()

    async def reload(self) -> str:
        """Read the configuration again; returns why it was refused, empty when it is in force."""
        before = self.settings
        error = await asyncio.to_thread(self._file.reload)
        now = self.settings
        if not error and (before.tests, before.projects) != (now.tests, now.projects):
            await self.testing.close()
            self.testing = self._build_testing()
            await self.testing.start()
        if not error and _git_part(before) != _git_part(now):
            await self.git.close()
            self.git = self._build_git()
            await self.git.start()
            self.bus.publish(GitRepositories(self.git.snapshot()))
        if not error and before.feedback.retrain != now.feedback.retrain:
            await self.retrain.replace(self._pipelines())
        if not error and _review_part(before) != _review_part(now):
            await self.feedback.close()
            self.feedback = self._build_feedback()
            await self.feedback.start()
        if not error and before.feedback.discord != now.feedback.discord:
            await self.discord.close()
            self.discord = self._build_discord()
            self.bus.publish(SourcesChanged(()))
            await self.discord.start()
        if not error and _content_part(before) != _content_part(now):
            await self.content.use(self._file.current, self._repositories())
        if not error and before.log != now.log:
            logs.setup(now.log, secrets=self._file.current.secrets())
        self.bus.publish(SettingsChanged(error))
        return error

    def _build_testing(self) -> TestingService:
        return TestingService(
            settings.project_specs(self.settings, self._file.current.base),
            bus=self.bus,
            cache_dir=paths.cache_dir() / "tests",
            options=testing_options(self.settings.tests),
            db=self.db,
            spool=self.spool,
            last_seen=paths.state_dir() / LAST_SEEN,
            keep_runs=self.settings.tests.keep_runs,
            provenance=lambda folder: self.git.provenance(folder),
        )

    def _build_feedback(self) -> FeedbackService:
        given = self.settings.feedback
        return FeedbackService(
            db=self.db,
            spool=self.spool,
            bus=self.bus,
            reviewer=given.reviewer,
            rubric=given.rubric_version,
            order=given.order,
            share=given.reshow_share,
        )

    def _build_retrain(self) -> Retraining:
        return Retraining(self._pipelines(), db=self.db, spool=self.spool, bus=self.bus, data=paths.data_dir())

    def _pipelines(self) -> tuple[Pipeline, ...]:
        return tuple(settings.retrain_pipelines(self.settings, self._file.current.base))

    def _build_discord(self) -> Following:
        return Following(self.settings.feedback.discord, self.spool, self.db, self.bus)

    def _build_content(self) -> ContentService:
        return ContentService(
            self._file.current, db=self.db, spool=self.spool, bus=self.bus, repositories=self._repositories()
        )

    def _repositories(self) -> tuple[RepositorySpec, ...]:
        return settings.repository_specs(self.settings, self._file.current.base)

    def _build_git(self) -> GitService:
        return GitService(
            self._repositories(),
            settings.git_rules(self.settings),
            bus=self.bus,
            cache_dir=paths.cache_dir(),
            data_dir=paths.data_dir(),
            spool=self.spool,
            last_seen=paths.state_dir() / LAST_SEEN_GIT,
            config=self._file.current.path,
            templates=settings.broadcast_templates(self.settings, self._file.current.base),
            projects={spec.name: spec.path for spec in settings.project_specs(self.settings, self._file.current.base)},
        )

    async def _follow_config(self) -> None:
        """By its stat, seldom: it changes a few times a day, editors replace it, and it may not exist yet."""
        while True:
            await asyncio.sleep(CONFIG_CHECK_S)
            if self._file.changed():
                await self.reload()


def _git_part(tree: settings.Settings) -> tuple[object, ...]:
    return (tree.git, tree.repositories, tree.projects)


def _review_part(tree: settings.Settings) -> tuple[object, ...]:
    given = tree.feedback
    return (given.reviewer, given.rubric_version, given.order, given.reshow_share)


def _content_part(tree: settings.Settings) -> tuple[object, ...]:
    return (tree.content, tree.repositories, tree.projects, tree.feedback.retrain)


def _log_storage(event: StorageChanged) -> None:
    state = "up" if event.up else "down"
    log.info("database %s is %s, %d waiting. %s", event.backend, state, event.waiting, event.detail)
