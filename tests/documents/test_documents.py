"""The documents: every test that docs/security.md names exists, and every link leads somewhere."""

import pathlib
import re
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECURITY = ROOT / "docs" / "security.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "web" / "README.md"])

# Four words and more, with underscores in Rust and Python, with spaces in the page's tests.
TEST_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+){3,}|[A-Za-z][\w',:]*( [\w',:-]+){3,}")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: +(\S+)|<(?:a|img)\s[^>]*?(?:href|src)=\"([^\"]+)\"", re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def prose(document):
    return FENCED.sub("", document.read_text())


def tests_named_in(text):
    return {name for name in IN_LINE.findall(text) if TEST_NAME.fullmatch(name)}


def tests_that_exist():
    """By name: test functions of Rust, methods of unittest, and the page's tests."""
    names = set()
    attribute = re.compile(r"^\s*#\[(?:tokio::)?test\b.*\n(?:\s*(?:#\[|//).*\n)*\s*(?:async )?fn (\w+)", re.MULTILINE)
    for folder in ("tests", "functions", "shared", "local", "examples", "bench"):
        for file in (ROOT / folder).rglob("*.rs"):
            names |= set(attribute.findall(file.read_text()))
    for file in (ROOT / "tests").rglob("*.py"):
        names |= set(re.findall(r"^    def (test_\w+)\(self", file.read_text(), re.MULTILINE))
    for file in (ROOT / "web" / "tests").glob("*.spec.ts"):
        names |= set(re.findall(r'^\s*test\("([^"]+)"', file.read_text(), re.MULTILINE))
    return names


def anchors(document):
    """What GitHub makes of headings: lower case, no punctuation, hyphens for spaces; a number from the second on."""
    found, seen = set(), {}
    for heading in HEADING.findall(prose(document)):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = seen[anchor] = seen.get(anchor, -1) + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


class Security(unittest.TestCase):
    def test_every_test_that_it_names_exists(self):
        named = tests_named_in(prose(SECURITY))
        self.assertGreater(len(named), 100, "the pattern no longer finds them")
        self.assertEqual(named - tests_that_exist() - {"like_this_one_for_example"}, set())

    def test_name_of_a_test_is_told_from_other_code(self):
        text = "`r8_a_token_is_dead`, `page's list, sorted: by name`, `tokens_valid_after`, `kid`, `make test-aws`, `a/b_c_d_e.rs`"
        self.assertEqual(tests_named_in(text), {"r8_a_token_is_dead", "page's list, sorted: by name"})

    def test_every_row_of_a_table_with_tests_names_one_or_says_that_none_does(self):
        for table in re.findall(r"^\|.*shown by \|\n\|[- |]+\n((?:\|.*\n)+)", SECURITY.read_text(), re.MULTILINE):
            for row in table.splitlines():
                shown_by = row.rstrip("| ").rpartition("|")[2]
                self.assertRegex(shown_by, r"`|\*not prevented\*|above|\.py", row)


class Links(unittest.TestCase):
    def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(self):
        seen = 0
        for document in DOCUMENTS:
            for link in LINK.findall(IN_LINE.sub("", prose(document))):
                target = "".join(link)
                if re.match(r"[a-z]+:", target):
                    continue
                seen += 1
                path, _, anchor = urllib.parse.unquote(target).partition("#")
                with self.subTest(document=str(document.relative_to(ROOT)), link=target):
                    file = (document.parent / path).resolve() if path else document
                    self.assertTrue(file.exists(), "there is no such file")
                    self.assertTrue(file.is_relative_to(ROOT), "it leads out of the repository")
                    if anchor and file.suffix == ".md":
                        self.assertIn(anchor, anchors(file))
        self.assertGreater(seen, 60, "the pattern no longer finds them")

    def test_every_document_is_reached_from_the_readme(self):
        reached, ahead = set(), [ROOT / "README.md"]
        while ahead:
            document = ahead.pop()
            if document in reached or document.suffix != ".md":
                continue
            reached.add(document)
            for link in LINK.findall(IN_LINE.sub("", prose(document))):
                file = (document.parent / "".join(link).partition("#")[0]).resolve()
                # A folder shows its README.
                ahead += [file] if file.is_file() else [file / "README.md"] if (file / "README.md").is_file() else []
        self.assertEqual(set(DOCUMENTS) - reached, set())


if __name__ == "__main__":
    unittest.main()
