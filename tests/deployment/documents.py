"""Parts of the documents, as their parser returns them."""


def names_in(cell):
    """What a table's cell contains in backticks."""
    return [part.content for part in cell.children if part.type == "code_inline"]
