/** The value that a JSON text stands for, or null where it is none: it may be cut short, or of somebody else. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
