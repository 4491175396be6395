"""The SSH password of new nodes: the API's rule for it, and the places that it may be kept in.

A place comes in, a SecretStr goes out. No message of this file holds the password or a piece of it.
"""

import os
import string
from pathlib import Path

from pydantic import SecretStr

from autoscaler.model.errors import ConfigurationRefused

_KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits, string.punctuation)


def require_strength(password: str) -> None:
    """The API's rule (page "Scale out a managed edge Kubernetes cluster", `login_password`).

    Raises:
        ValueError: the password breaks the rule.
    """
    kinds = sum(any(character in kind for character in password) for kind in _KINDS)
    if not 8 <= len(password) <= 30 or kinds < 3:
        raise ValueError(
            "a password must have 8 to 30 characters, and at least 3 of: upper case letters, lower case letters, "
            f"digits, special characters; this one has {len(password)} characters and {kinds} of them"
        )


def from_file(path: Path) -> str:
    """The file's text without the line end that editors add.

    Raises:
        ValueError: the file can not be read as text.
    """
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file can not be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None


def from_environment(name: str) -> str:
    """The variable's value.

    Raises:
        ValueError: there is no such variable.
    """
    if name not in os.environ:
        raise ValueError("there is no environment variable of that name")
    return os.environ[name]


def resolve(where: str, text: SecretStr | None, file: Path | None, variable: str | None) -> SecretStr:
    """The password from the one place that is given, read anew. `where` names the owner in errors.

    Raises:
        ConfigurationRefused: it is not there or breaks the rule: nothing must be sent with it.
    """
    try:
        if file is not None:
            password = from_file(file)
        elif variable is not None:
            password = from_environment(variable)
        else:
            password = "" if text is None else text.get_secret_value()
        require_strength(password)
    except ValueError as error:
        raise ConfigurationRefused([f"{where}: {error}"]) from None
    return SecretStr(password)
