/** Search without regard to case and accents, as the API does it. */

/** The base letters of a text in lower case. */
function fold(text: string): string {
  return text.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "").trim();
}

/** Whether one of the texts contains the searched one. */
export function includesText(texts: readonly string[], searched: string): boolean {
  const folded = fold(searched);
  return texts.some((text) => fold(text).includes(folded));
}
