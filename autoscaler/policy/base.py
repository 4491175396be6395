"""What all parameters of a policy share: frozen, strict about their keys, camelCase in the file as in Kubernetes."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Parameters(BaseModel):
    """Parsed once at load, never in a tick. A misspelt key is a mistake, and so is an endless limit (`.inf`)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, allow_inf_nan=False
    )
