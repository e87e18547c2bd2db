"""Why the hub does not let us in, and what a person can do about it."""

from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

from app.core.errors import TokenNeeded
from app.core.text import _
from app.models.keychain import Credentials
from app.models.naming import hide_login


def refused(repository: str, endpoint: str, credentials: Credentials, error: HfHubHTTPError) -> TokenNeeded:
    """The error for a repository that opened to none of the tokens there are."""
    endpoint = hide_login(endpoint)
    page, said = f"{endpoint}/{repository}", error.response.headers.get("X-Error-Message", "")
    token = _("Make an access token at {page} and enter it here.").format(page=f"{endpoint}/settings/tokens")
    if isinstance(error, GatedRepoError) or (error.response.status_code == 403 and credentials.tried):
        terms = _("Open {page}, sign in and accept the terms there.").format(page=page)
        return TokenNeeded(
            _("{repository} is given only to people who have accepted its terms.").format(repository=repository),
            terms if credentials.tried else f"{terms} {token}",
        )
    if credentials.tried and ("credentials" in said or error.response.status_code == 401):
        return TokenNeeded(
            _("The hub does not take the token for {repository}.").format(repository=repository),
            _("It may have run out, or have been copied in part. {make}").format(make=token),
        )
    return TokenNeeded(
        _("The hub does not show {repository}: it does not exist, or is not for everybody.").format(
            repository=repository
        ),
        _("Check the name first. If it is right: {make}").format(make=token),
    )
