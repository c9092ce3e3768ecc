"""Every link in a document leads to a file of the repository and to a heading in it. lychee finds and follows the links."""

import json
import pathlib
import subprocess
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
LYCHEE = [ROOT / ".tools/lint/bin/lychee", "--offline", "--include-fragments", "--no-progress"]


def check(documents):
    """lychee's report on the links of these documents."""
    done = subprocess.run([*LYCHEE, "--format", "json", *documents], cwd=ROOT, capture_output=True, text=True)
    return json.loads(done.stdout)


def linked_files(document):
    """The files that the relative links of a document lead to."""
    done = subprocess.run([*LYCHEE, "--dump", document], cwd=ROOT, check=True, capture_output=True, text=True)
    links = [urllib.parse.urlsplit(line) for line in done.stdout.splitlines()]
    return {pathlib.Path(urllib.parse.unquote(link.path)) for link in links if link.scheme == "file"}


def test_every_link_leads_to_a_file_and_a_heading(documents):
    report = check(documents)

    assert report["error_map"] == {}
    assert report["successful"] > 60


def test_links_to_missing_files_and_headings_are_found(tmp_path):
    document = tmp_path / "document.md"
    document.write_text(
        "# A heading\n\n[file](missing.md) [heading](#missing) [right](#a-heading)\n\n[page]: missing.html\n\n[page]\n\n"
        '<img src="missing.svg">\n'
    )

    broken = {
        pathlib.PurePath(error["url"]).name for errors in check([document])["error_map"].values() for error in errors
    }

    assert broken == {"missing.md", "document.md#missing", "missing.html", "missing.svg"}


def test_no_link_leaves_the_repository(documents):
    outside = {
        f"{document.relative_to(ROOT)}: {file}"
        for document in documents
        for file in linked_files(document)
        if not file.resolve().is_relative_to(ROOT)
    }

    assert outside == set()


def test_every_document_is_reached_from_the_readme(documents):
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        file = ahead.pop()
        # A link to a folder shows the README in it.
        document = file / "README.md" if file.is_dir() else file
        if document not in reached and document.suffix == ".md" and document.exists():
            reached.add(document)
            ahead += linked_files(document)

    assert set(documents) - reached == set()
