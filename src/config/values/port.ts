/** A port from 0 to 65535 in decimal digits, or null. Leading zeros are allowed. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,10}$/.test(text)) return null;
  const port = Number(text);
  return port <= 65_535 ? port : null;
}
