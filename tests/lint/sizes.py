#!/usr/bin/env python3
"""Files, functions and lines that are too long to be read."""

import re
import sys

sys.dont_write_bytecode = True
import tree
from report import MadeTree, Report

MOST_LINES = {".cc": 800, ".h": 300}
MOST_FUNCTION_LINES = 60
MOST_COLUMNS = 90
SCRIPTS = ("sh", "bash", "python3")

NO_FUNCTION = re.compile(
    r"^(if|for|while|switch|do|else|try|catch|return|namespace|class|struct|union|enum|"
    r"concept|extern)\b")
RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.DOTALL)
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
                   re.DOTALL)


def blank(match):
    """What a comment or literal is replaced by: the same lines, nothing in them."""
    return "\n" * match.group().count("\n")


def bare(text):
    """C++ text without comments, literals, preprocessor lines and digit separators."""
    text = RAW_STRING.sub(blank, text)
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", text)
    text = NOISE.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", blank, text, flags=re.MULTILINE)


def is_value(head):
    """Whether the `{` after `head` begins a value: in brackets, after `=`, or b_{b}."""
    head = head.rstrip()
    return head.count("(") > head.count(")") or head.endswith("=") or \
        re.search(r"\)\s*(?:noexcept\s*)?:\s[^;]*[\w>]$", head) is not None


def is_function(head):
    """Whether the `{` after `head` begins the body of a function."""
    head = re.sub(r"\s+", " ", head).strip()
    head = re.sub(r"^template ?<[^{}]*?> ?", "", head)
    if "(" not in head or NO_FUNCTION.match(head):
        return False
    before = re.sub(r"operator\W+|\[\[.*?\]\]", "", head[:head.index("(")])
    return "=" not in before and "[" not in before


def functions(text):
    """
    Yield (first line, number of lines) of each function; one inside another counts as
    part of it. Brace counting, which clang-formatted code is regular enough for.
    """
    # Of each open brace: the line of its head, is it a function, the head to resume.
    stack = []
    head, head_line, line = "", 1, 1
    inside = 0
    for char in bare(text):
        if char == "{":
            value = is_value(head)
            function = not value and not inside and is_function(head)
            stack.append((head_line, function, head + "{}" if value else ""))
            inside += function
            head = ""
        elif char == "}" and stack:
            head_line, function, head = stack.pop()
            if function:
                inside -= 1
                yield head_line, line - head_line + 1
        elif char == ";" and head.count("(") <= head.count(")"):
            head = ""
        elif char == ":" and head.strip() in ("public", "private", "protected"):
            head = ""
        elif char == "\n":
            line += 1
            head += " "
        else:
            if not head.strip():
                head, head_line = "", line
            head += char


def file_problems(name, text):
    for ending, most in MOST_LINES.items():
        if name.endswith(ending) and text.count("\n") > most:
            yield f"{name}: {text.count(chr(10))} lines, at most {most}"


def function_problems(name, text):
    for first, lines in functions(text):
        if lines > MOST_FUNCTION_LINES:
            yield f"{name}:{first}: a function of {lines} lines, " \
                  f"at most {MOST_FUNCTION_LINES}"


def line_problems(name, text):
    for number, line in enumerate(text.split("\n"), 1):
        columns = len(line.expandtabs(8))
        if columns > MOST_COLUMNS:
            yield f"{name}:{number}: {columns} columns, at most {MOST_COLUMNS}"


def problems(root, check, names):
    for name in names:
        yield from check(name, tree.read(root, name))


LONG_BODY = "".join(f"    Call({number});\n" for number in range(59))
WRONG = {
    "lib/a/long.cc": "int x;\n" * 801,
    "lib/a/long.h": "int x;\n" * 301,
    "lib/a/right.h": "int x;\n" * 300,
    "lib/a/function.cc": "\nnamespace a {\nint F(int b,\n      int c) {\n" + LONG_BODY +
                         "}\n}  // namespace a\n",
    "lib/a/method.h": "class A {\n  public:\n    A(int b = {}) : b_{b}, c_{0} {\n"
                      "        if (b) {\n" + LONG_BODY +
                      "        }\n    }\n    int b_{0};\n};\n",
    "lib/a/fits.cc": "const char* k = \"{\"; char c = '{';  // {\n"
                     "int F() {\n" + LONG_BODY[:-len("    Call(58);\n")] + "}\n"
                     "int G() {\n    auto f = [](int) {\n" + LONG_BODY[:300] +
                     "    };\n}\n",
    "lib/a/wide.cc": "// " + "─" * 87 + "\n// " + "─" * 88 + "\n",
}


def main():
    root = tree.top()
    sources = tree.cxx_files(root)
    lined = sources + [name for name in tree.scripts(root, SCRIPTS)]
    report = Report()
    report.holds("files are short", problems(root, file_problems, sources))
    report.holds("functions are short", problems(root, function_problems, sources))
    report.holds("lines are short", problems(root, line_problems, lined))
    with MadeTree(WRONG) as made:
        sources = tree.cxx_files(made)
        report.bites("files are short", problems(made, file_problems, sources),
                     "lib/a/long.cc: 801 lines", "lib/a/long.h: 301 lines")
        report.bites("functions are short", problems(made, function_problems, sources),
                     "lib/a/function.cc:3: a function of 62 lines",
                     "lib/a/method.h:3: a function of 63 lines")
        report.bites("lines are short", problems(made, line_problems, sources),
                     "lib/a/wide.cc:2: 91 columns")
    report.close()


if __name__ == "__main__":
    main()
