/** Names within plain texts, such as messages and tooltips, where no `<bdi>` is possible. */

/**
 * The name between U+2068 (first strong isolate) and U+2069 (pop directional isolate), so that it cannot reorder
 * the text around it. Neither character has a glyph (Unicode Standard Annex 9, section 2.4).
 */
export function isolate(name: string): string {
  return `\u2068${name}\u2069`;
}
