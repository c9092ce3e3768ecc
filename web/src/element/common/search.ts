/** Search without regard to case and accents, as the API does it. */

/** The base letters of a text in lower case. Marks that are no accents stay: in some scripts they are vowels. */
function fold(text: string): string {
  const letters = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "");
  return letters.replaceAll("ß", "ss").replaceAll("ς", "σ").trim();
}

/** Whether one of the texts contains the searched one. */
export function includesText(texts: readonly string[], searched: string): boolean {
  const folded = fold(searched);
  return texts.some((text) => fold(text).includes(folded));
}

/** Whether the text starts with the searched one. */
export function startsWithText(text: string, searched: string): boolean {
  return fold(text).startsWith(fold(searched));
}
