"""References to secrets: `keyring:NAME` and `env:NAME` in place of the secret itself."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import UserError

SERVICE = "quarterdeck"
"""Under this name the entries stand in the keyring."""

SCHEMES = ("keyring:", "env:")


class MissingSecretError(Exception):
    """The reference leads nowhere; the text says how to mend it."""


def is_reference(text: str) -> bool:
    """Whether a value stands for a secret kept elsewhere."""
    return text.startswith(SCHEMES)


def is_named(text: str) -> bool:
    """Whether a reference names what it leads to."""
    return bool(text.partition(":")[2].strip())


def revealed(secret: str) -> str:
    """A secret of the settings, for what cannot do without it. Raises UserError where it is a reference still: that led
    nowhere when the settings were read."""
    if not is_reference(secret):
        return secret
    scheme, _, name = secret.partition(":")
    place = "environment" if scheme == "env" else "keyring"
    raise UserError(f"the {place} has no {name.strip()}", where=secret, fix="`qd config check` says where it is needed")


def resolve(reference: str, environ: Mapping[str, str]) -> str:
    """The secret that a reference stands for."""
    scheme, _, name = reference.partition(":")
    name = name.strip()
    if not name:
        raise MissingSecretError(f'expected a name after "{scheme}:"; write "{scheme}:NAME"')
    if scheme == "env":
        return _from_environment(name, environ)
    return _from_keyring(name)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise MissingSecretError(f"the environment has no {name}; set it, or write the secret itself")
    return environ[name]


def _from_keyring(name: str) -> str:
    import keyring
    import keyring.errors

    try:
        secret = keyring.get_password(SERVICE, name)
    except keyring.errors.NoKeyringError:
        raise MissingSecretError(
            f'this machine has no keyring; write "env:NAME" and set that variable, in place of "keyring:{name}"'
        ) from None
    except (keyring.errors.KeyringError, OSError) as error:
        raise MissingSecretError(f"the keyring cannot be read ({error}); unlock it") from None
    if secret is None:
        raise MissingSecretError(
            f"the keyring has no entry {name} of {SERVICE}; store it with: python -m keyring set {SERVICE} {name}"
        )
    return secret
