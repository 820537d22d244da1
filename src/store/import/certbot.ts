/**
 * The ACME directory that a lineage of certbot came from: `server` of its `renewal/NAME.conf`; null when it does not
 * say. Sections and comments are as in Python's ConfigObj.
 */
export function certbotServer(renewal: string): string | null {
  for (const line of renewal.split('\n')) {
    const [, value] = /^\s*server\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (value !== undefined) return unquoted(value) || null;
  }
  return null;
}

function unquoted(value: string): string {
  return value.replace(/^(["'])(.*)\1$/, '$2');
}
