"""What the small Hub of ``tests/hub_server.py`` answers, route by route."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml

TOKEN = "hf_loopback"
USER = "tester"
SIGNATURE = "signed"
LARGE = (".safetensors", ".png", ".parquet")


@dataclass(frozen=True)
class Blob:
    data: bytes
    large: bool

    @property
    def oid(self) -> str:
        """Name of the content: SHA-256 of a large file, git's SHA-1 of another."""
        if self.large:
            return hashlib.sha256(self.data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        large = {"lfs": {"oid": self.oid, "size": len(self.data), "pointerSize": 130}} if self.large else {}
        return {"type": "file", "path": path, "size": len(self.data), "oid": self.oid, **large}


@dataclass(frozen=True)
class Commit:
    oid: str
    message: str
    files: dict[str, Blob]


@dataclass
class Repo:
    name: str
    private: bool
    branches: dict[str, list[Commit]] = field(default_factory=lambda: {"main": [Commit("0" * 40, "first commit", {})]})

    def commit(self, revision: str) -> Commit | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        return next((c for commits in self.branches.values() for c in commits if c.oid == revision), None)


class RefusedError(Exception):
    """An error of the API: status, message, and the Hub's error code."""

    def __init__(self, status: int, message: str, code: str | None = None, commit: str | None = None) -> None:
        super().__init__(message)
        codes = {"X-Error-Code": code} if code else {}
        self.status = status
        self.headers = codes | ({"X-Repo-Commit": commit} if commit else {}) | {"X-Error-Message": message}


class Api:
    """One request: its body and its rights, and an answer for every route."""

    def __init__(self, hub: Any, body: bytes, authorisation: str | None, query: str) -> None:
        self.hub = hub
        self.body = body
        self.query = query
        self.authorisation = authorisation
        self.authorised = authorisation == f"Bearer {TOKEN}"
        if authorisation is not None and not self.authorised:
            raise RefusedError(401, "Invalid credentials in Authorization header")

    def json(self) -> Any:
        return json.loads(self.body)

    def repo(self, name: str, *, write: bool = False) -> Repo:
        repo = self.hub.repos.get(name)
        if write and not self.authorised:
            raise RefusedError(401, "Invalid username or password.")
        if repo is None or (repo.private and not self.authorised):
            raise RefusedError(404 if self.authorised else 401, "Repository not found", "RepoNotFound")
        return repo

    def at(self, name: str, revision: str, *, write: bool = False) -> Commit:
        commit = self.repo(name, write=write).commit(unquote(revision))
        if commit is None:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def whoami(self) -> Any:
        if not self.authorised:
            raise RefusedError(401, "Invalid username or password.")
        return {"type": "user", "name": USER, "auth": {"type": "access_token", "accessToken": {"role": "write"}}}

    def create(self) -> Any:
        self.whoami()
        wanted = self.json()
        if wanted.get("organization") not in (None, USER):
            raise RefusedError(403, f"You don't have the rights to create a model under {wanted['organization']}")
        kind = "datasets/" if wanted.get("type") == "dataset" else ""
        name = f"{kind}{USER}/{wanted['name']}"
        answer = {"url": f"{self.hub.url}/{name}", "name": name.removeprefix(kind)}
        if name in self.hub.repos:
            return 409, {**answer, "error": "You already created this model repo"}
        self.hub.repos[name] = Repo(name, wanted.get("visibility") == "private" or bool(wanted.get("private")))
        return answer

    def validate(self) -> Any:
        content = self.json()["content"]
        match = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            data = yaml.safe_load(match[1]) if match else None
        except yaml.YAMLError as error:
            return 400, {"errors": [{"message": str(error)}], "warnings": []}
        if data is None:
            return {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]}
        problems = []
        if data.get("license") == "other" and not data.get("license_name"):
            problems.append('"license_name" is required for license "other"')
        if not re.fullmatch(r"[a-z0-9.-]+", str(data.get("license", "other"))):
            problems.append('"license" must be one of the known identifiers')
        return (400 if problems else 200), {"errors": [{"message": p} for p in problems], "warnings": []}

    def preupload(self, name: str, revision: str) -> Any:
        present = self.at(name, revision, write=True).files
        return {
            "files": [
                {
                    "path": (path := file["path"]),
                    "uploadMode": "lfs" if path.endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                    "oid": present[path].oid if path in present else None,
                }
                for file in self.json()["files"]
            ]
        }

    def batch(self, name: str) -> Any:
        self.repo(name, write=True)
        objects = []
        for wanted in self.json()["objects"]:
            upload = {"upload": {"href": f"{self.hub.storage}/lfs/{wanted['oid']}?{SIGNATURE}", "header": {}}}
            actions = {} if wanted["oid"] in self.hub.objects else {"actions": upload}
            objects.append({"oid": wanted["oid"], "size": wanted["size"], "authenticated": True, **actions})
        return {"transfer": "basic", "objects": objects}

    def stored(self) -> dict[str, bytes]:
        """The storage, for whoever comes by a signed address and keeps the token for the Hub."""
        if self.query != SIGNATURE or self.authorisation:
            raise RefusedError(403, "Only a signed address opens the storage, and no token")
        return self.hub.objects

    def upload(self, oid: str) -> Any:
        objects = self.stored()
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise RefusedError(400, "The content is not what was announced")
        objects[oid] = self.body
        return {}

    def commit(self, name: str, revision: str) -> Any:
        repo, parent = self.repo(name, write=True), self.at(name, revision, write=True)
        header, *lines = (json.loads(line) for line in self.body.splitlines())
        if header["value"].get("parentCommit") not in (None, parent.oid):
            raise RefusedError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(parent.files)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]), large=False)
            elif line["key"] == "lfsFile" and value["oid"] in self.hub.objects:
                files[value["path"]] = Blob(self.hub.objects[value["oid"]], large=True)
            else:
                raise RefusedError(400, f"cannot apply {line['key']} of {value['path']}")
        oid = hashlib.sha1(parent.oid.encode() + self.body).hexdigest()
        answer = {
            "success": True,
            "commitOid": oid,
            "commitUrl": f"{self.hub.url}/{name}/commit/{oid}",
            "hookOutput": "",
        }
        if "create_pr=1" in self.query:
            self.hub.pull_requests.append(header["value"]["summary"])
            return {**answer, "pullRequestUrl": f"{self.hub.url}/{name}/discussions/1"}
        repo.branches[unquote(revision)].append(Commit(oid, header["value"]["summary"], files))
        return answer

    def branch(self, name: str, branch: str) -> Any:
        repo, branch = self.repo(name, write=True), unquote(branch)
        if branch in repo.branches:
            raise RefusedError(409, f"Reference already exists: {branch}")
        repo.branches[branch] = list(repo.branches["main"])
        return {}

    def info(self, name: str, revision: str = "main") -> Any:
        commit, private = self.at(name, revision), self.repo(name).private
        siblings = [{"rfilename": path} for path in commit.files]
        name = name.removeprefix("datasets/")
        return {"id": name, "modelId": name, "sha": commit.oid, "private": private, "tags": [], "siblings": siblings}

    def tree(self, name: str, revision: str, folder: str = "") -> Any:
        commit = self.at(name, revision)
        prefix = f"{unquote(folder).strip('/')}/" if folder else ""
        below = {path: blob for path, blob in commit.files.items() if path.startswith(prefix)}
        if folder and not below:
            raise RefusedError(404, f"{folder} does not exist on {revision}", "EntryNotFound", commit.oid)
        files = [blob.entry(path) for path, blob in below.items()]
        if "recursive=true" in self.query.lower():
            return files
        folders = sorted({prefix + path[len(prefix) :].split("/")[0] for path in below} - below.keys())
        direct = [file for file in files if "/" not in file["path"][len(prefix) :]]
        return [*direct, *(_folder(path) for path in folders)]

    def paths(self, name: str, revision: str) -> Any:
        commit = self.at(name, revision)
        wanted = parse_qs(self.body.decode()).get("paths", []) if b"=" in self.body else self.json()["paths"]
        found = [commit.files[path].entry(path) for path in wanted if path in commit.files]
        return found + [_folder(w) for w in wanted if any(path.startswith(f"{w}/") for path in commit.files)]

    def resolve(self, name: str, revision: str, path: str) -> Any:
        commit = self.at(name, revision)
        blob = commit.files.get(unquote(path))
        if blob is None:
            raise RefusedError(404, "Entry not found", "EntryNotFound", commit.oid)
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{blob.oid}"'}
        if not blob.large:
            return 200, blob.data, headers
        link = {"X-Linked-Etag": f'"{blob.oid}"', "X-Linked-Size": str(len(blob.data))}
        return 302, b"", headers | link | {"Location": f"{self.hub.storage}/lfs/{blob.oid}?{SIGNATURE}"}

    def download(self, oid: str) -> Any:
        return 200, self.stored()[oid], {"ETag": f'"{oid}"'}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}


_NAME = r"((?:datasets/)?[\w.-]+/[\w.-]+)"
_ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "/api/whoami-v2", Api.whoami),
    ("POST", "/api/repos/create", Api.create),
    ("POST", "/api/validate-yaml", Api.validate),
    ("POST", f"/api/models/{_NAME}/preupload/([^/]+)", Api.preupload),
    ("POST", f"/api/models/{_NAME}/commit/([^/]+)", Api.commit),
    ("POST", f"/api/models/{_NAME}/branch/([^/]+)", Api.branch),
    ("POST", f"/{_NAME}\\.git/info/lfs/objects/batch", Api.batch),
    ("PUT", "/lfs/([0-9a-f]{64})", Api.upload),
    ("GET", "/lfs/([0-9a-f]{64})", Api.download),
    ("GET", f"/api/models/{_NAME}", Api.info),
    ("GET", f"/api/models/{_NAME}/revision/([^/]+)", Api.info),
    ("GET", f"/api/models/{_NAME}/tree/([^/]+)(/.+)?", Api.tree),
    ("POST", f"/api/models/{_NAME}/paths-info/([^/]+)", Api.paths),
    ("GET", f"/{_NAME}/resolve/([^/]+)/(.+)", Api.resolve),
]


def answer(api: Api, method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
    """Calls the route; JSON answers become bytes. Datasets have the routes of models, under a name of their own."""
    path = path.replace("/api/datasets/", "/api/models/datasets/")
    for verb, pattern, route in _ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method in (verb, "HEAD" if verb == "GET" else verb):
            result = route(api, *(group for group in match.groups() if group is not None))
            if isinstance(result, tuple) and len(result) == 3:
                return result
            status, data = result if isinstance(result, tuple) else (200, result)
            return status, json.dumps(data).encode(), {"Content-Type": "application/json"}
    raise RefusedError(404, f"this small Hub does not know {method} {path}")
