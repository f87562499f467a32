"""Why something could not be had from the Hugging Face Hub, and what to do about it.

Libraries wrap the errors of the Hub's client, and wrap those again. Here they are unwrapped and told apart by class.
"""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import constants, errors

_NO_NETWORK = "check the network, or use the laptop profile, which needs none"


def reason(error: Exception) -> str:
    """The first line of what a library says went wrong, short enough to stand in a message of ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def _unwrapped(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and all that led to it."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def fetched_part(name: str, *, kind: str = "model") -> Path | None:
    """The folder of a repository in the Hub's cache, if anything of it was fetched, be it all or a part.

    Args:
        name: Its name on the Hub.
        kind: ``"model"`` or ``"dataset"``.
    """
    folder = Path(constants.HF_HUB_CACHE) / f"{kind}s--{name.replace('/', '--')}"
    return folder if any(folder.glob("blobs/*")) or any(folder.glob("snapshots/*/*")) else None


def _refused(causes: list[BaseException], name: str, kind: str) -> str | None:
    """What the Hub answered, if it answered; ``None`` if something else went wrong."""
    page = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{name}"
    for one in causes:
        if isinstance(one, errors.GatedRepoError):  # a kind of RepositoryNotFoundError
            return f"is gated, so its owners want to be asked: accept their terms on {page}, then run `hf auth login`"
        if isinstance(one, errors.RepositoryNotFoundError | errors.RevisionNotFoundError | errors.HFValidationError):
            return "is no folder here and no name on the Hub (or a private one): check the spelling, owner/name"
        if isinstance(one, errors.HfHubHTTPError) and not isinstance(one, errors.EntryNotFoundError):
            status = one.response.status_code
            remedy = "run `hf auth login` again" if status in (401, 403) else "try again in some minutes"
            return f"could not be fetched, the Hub answered with status {status}: {remedy}"
    return None


def explain(name: str, error: Exception, *, kind: str = "model") -> str:
    """Says why a repository of the Hub could not be loaded, and what to do.

    Args:
        name: Its name on the Hub.
        error: What the library raised.
        kind: ``"model"`` or ``"dataset"``.

    Returns:
        What stands after the name in a message: ``"is gated, …: accept their terms …"``.
    """
    causes = list(_unwrapped(error))
    if answer := _refused(causes, name, kind):
        return answer
    offline = constants.HF_HUB_OFFLINE or any(isinstance(one, errors.OfflineModeIsEnabled) for one in causes)
    unreachable = offline or any(  # the client's transport was httpx in one version and httpx2 in the next
        isinstance(one, errors.LocalEntryNotFoundError | ConnectionError | TimeoutError)
        or type(one).__module__.startswith("httpx")
        for one in causes
    )
    if any(type(one).__name__ in ("RemoteProtocolError", "ReadError") for one in causes):  # of httpx and of httpx2
        return "was not fetched, as the connection broke off in the middle of a file: try again with a steadier network"
    unset = "unset HF_HUB_OFFLINE and try again" if offline else "try again with a network"
    if part := fetched_part(name, kind=kind):
        if unreachable or any(part.glob("blobs/*.incomplete")):
            return f"was fetched only in part ({part}): {unset}, and the rest follows"
        return f"was fetched, but cannot be read ({part}): delete this folder and try again"
    if offline:
        return f"was never fetched, and HF_HUB_OFFLINE is set: unset it; then {_NO_NETWORK}"
    if unreachable:
        return f"could not be fetched, as the Hub ({constants.ENDPOINT}) cannot be reached: {_NO_NETWORK}"
    return "holds nothing that can be read here: give another name, or a folder"
