import { absent } from './peers.ts';

/** Says at the end of a run which programs the tests did without, and how to get them. */
export default function setup(): () => void {
  const missing = absent();
  if (missing.length > 0 && process.env['RIGIL_REQUIRE_PEERS'] !== undefined) {
    throw new Error(`these programs must be there: ${missing.map(({ name }) => name).join(', ')}`);
  }
  return () => {
    if (missing.length === 0) return;
    const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].join(' ');
    console.log(
      `\nTests with these programs were left out, since they are not here: ${missing.map(({ name }) => name).join(', ')}.` +
        `\nOn Debian: apt-get install --no-install-recommends ${packages}\n`,
    );
  };
}
