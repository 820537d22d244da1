/** Directories by the short names that acme.sh keeps in old configurations. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  zerossl: 'https://acme.zerossl.com/v2/DV90',
  buypass: 'https://api.buypass.com/acme/directory',
  google: 'https://dv.acme-v02.api.pki.goog/directory',
};

/**
 * The ACME directory that a certificate of acme.sh came from: `Le_API` of its `NAME.conf`; null when it does not say.
 * Values are in single quotes, some of them in base64 between markers.
 */
export function acmeShServer(config: string): string | null {
  const [, quoted = ''] = /^Le_API='([^']*)'\s*$/m.exec(config) ?? [];
  const [, encoded] = /^__ACME_BASE64__START_(.*)__ACME_BASE64__END_$/.exec(quoted) ?? [];
  const value = encoded === undefined ? quoted : Buffer.from(encoded, 'base64').toString('utf8');
  return value === '' ? null : (SHORT_NAMES[value] ?? value);
}
