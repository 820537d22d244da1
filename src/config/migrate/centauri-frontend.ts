import { writeSettingsWord as word } from '../text/settings-word.ts';
import type { CentauriEnvironment } from './centauri-environment.ts';

/** Where Centauri listens: on ports of the machine, or as a device of its own in a tailnet. */
export function listenerLines(env: CentauriEnvironment): string[] {
  const frontend = (env.text('FRONTEND') ?? 'tcp').toLowerCase();
  if (frontend === 'tailscale') return tailnetLines(env);
  if (frontend !== 'tcp') env.note('FRONTEND', `Centauri has no frontend ${frontend}; taken as tcp`);
  for (const name of SETTINGS) {
    if (env.text(name) !== null) env.note(name, 'without FRONTEND=tailscale Centauri did not look at it');
  }
  const [http, https] = [env.port('HTTP_PORT', 8080), env.port('HTTPS_PORT', 8443)];
  return ['# All interfaces, as Centauri listens.', `http :${http}`, `https :${https}`];
}

/** Whether Centauri serves plain HTTP in a tailnet, without any certificate. */
export function isPlainTailnet(env: CentauriEnvironment): boolean {
  const isTailnet = (env.text('FRONTEND') ?? 'tcp').toLowerCase() === 'tailscale';
  return isTailnet && (env.text('TAILSCALE_MODE') ?? 'http') === 'http';
}

const SETTINGS = ['TAILSCALE_HOSTNAME', 'TAILSCALE_KEY', 'TAILSCALE_MODE', 'TAILSCALE_DIR'] as const;

function tailnetLines(env: CentauriEnvironment): string[] {
  const mode = env.text('TAILSCALE_MODE') ?? 'http';
  if (mode !== 'http' && mode !== 'https') {
    env.note('TAILSCALE_MODE', `${JSON.stringify(mode)} is no mode; Centauri did not start with it`);
  }
  const name = env.text('TAILSCALE_HOSTNAME') ?? 'centauri';
  env.note(
    'FRONTEND',
    `Centauri was a device of its own in the tailnet; now this machine is one: install Tailscale here, and run: tailscale up --hostname=${word(name)}`,
  );
  if (env.text('TAILSCALE_KEY') !== null) {
    env.note('TAILSCALE_KEY', 'rigil needs no key: give one to tailscale up with --auth-key, or log in');
  }
  if (env.text('TAILSCALE_DIR') !== null) {
    env.note(
      'TAILSCALE_DIR',
      'the Tailscale daemon keeps the state; remove the old device in the admin console',
    );
  }
  return [
    '# The tailnet, as with Centauri, and this machine itself for trying.',
    'http 127.0.0.1:80',
    'https 127.0.0.1:443',
    'tailscale',
    ...(mode === 'http' ? ['tailscale-http serve'] : []),
    '# A certificate for the name of this machine in the tailnet: add a section "issuer tailnet" with the line',
    '# "type tailscale", and a route with that name (NAME.TAILNET.ts.net).',
  ];
}
