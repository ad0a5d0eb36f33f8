/** The words of a text, for long lists of names that read better as a paragraph. */
export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
