import type { GlobalConfig, ListenAddress, StoreConfig } from '../config.ts';
import { defaultStoreDirectory, GLOBAL_DEFAULTS } from '../defaults.ts';
import { type Position, type Problems, WHOLE_FILE } from '../diagnostics.ts';
import type { Placed } from '../grammar/argument.ts';
import type { GlobalDraft, IssuerDraft } from '../grammar/drafts.ts';
import type { Environment, Mode } from '../text/settings-word.ts';
import { formatListenAddress } from '../values/listen-address.ts';

/** Where the store is said to be when nothing says it and that does not matter. */
const SOME_DIRECTORY = '/var/lib/rigil';

/** The global settings with defaults filled in. */
export function settleGlobal(
  draft: GlobalDraft,
  context: { readonly env: Environment; readonly mode: Mode; readonly problems: Problems },
): GlobalConfig {
  const { http, https, admin, issuers: _, tailscale, tailscaleHttp, ...rest } = draft;
  if (tailscaleHttp !== undefined && !tailscale) {
    const message = 'tailscale-http has no effect: no tailnet is served';
    context.problems.report('directive-without-effect', tailscaleHttp.at, message, 'add a line: tailscale');
  }
  if (admin && draft.adminPeers?.length === 0 && !isOfThisMachine(admin.value)) {
    const message = `the admin endpoint listens on ${formatListenAddress(admin.value)} and answers this machine only`;
    const hint = `name who else may ask: admin ${formatListenAddress(admin.value)} 10.0.0.0/8; or listen on 127.0.0.1`;
    context.problems.report('admin-for-nobody', admin.at, message, hint);
  }
  return {
    ...GLOBAL_DEFAULTS,
    ...rest,
    http: http?.map(({ value }) => value) ?? GLOBAL_DEFAULTS.http,
    https: https?.map(({ value }) => value) ?? GLOBAL_DEFAULTS.https,
    admin: admin === null ? null : (admin?.value ?? GLOBAL_DEFAULTS.admin),
    wildcardDomains: draft.wildcardDomains?.map(({ value }) => value) ?? GLOBAL_DEFAULTS.wildcardDomains,
    tailscale: tailscale ? { ...tailscale, http: tailscaleHttp?.value ?? 'redirect' } : null,
    store: draft.store ?? defaultStore(context),
  };
}

/** Whether nobody else can connect there. Of an inherited socket that is not known. */
function isOfThisMachine(address: ListenAddress): boolean {
  if (address.kind !== 'tcp') return true;
  const { host } = address;
  return host === '::1' || host === 'localhost' || host?.startsWith('127.') === true;
}

function defaultStore(context: Parameters<typeof settleGlobal>[1]): StoreConfig {
  const dir = defaultStoreDirectory(context.env);
  if (dir === null) {
    const message =
      'nothing says where certificates are kept: STATE_DIRECTORY, XDG_STATE_HOME and HOME are not set';
    const hint = 'put "store file DIR" into the global section';
    const severity = context.mode === 'daemon' ? 'error' : 'warning';
    context.problems.report('no-store-directory', WHOLE_FILE, message, hint, severity);
  }
  return { kind: 'file', dir: dir ?? SOME_DIRECTORY };
}

/** Reports addresses that would be listened on twice. */
export function checkAddresses(
  draft: GlobalDraft,
  issuers: readonly IssuerDraft[],
  problems: Problems,
): void {
  const { http, https, admin } = draft;
  const used = new Map<string, { readonly role: string; readonly at: Position | null }>();
  const claim = (role: string, address: ListenAddress, at: Position | null) => {
    if (address.kind === 'tcp' && address.port === 0) return;
    const written = formatListenAddress(address);
    const other = used.get(written);
    used.set(written, { role, at });
    const place = at ?? other?.at;
    if (other === undefined || place === null || place === undefined) return;
    const where = other.at === null || at === null ? 'by default' : `in line ${other.at.line}`;
    const [name, known] = at === null ? [other.role, role] : [role, other.role];
    const message = `${name} and ${known} (${where}) cannot both listen on ${written}`;
    problems.report('duplicate-address', place, message, 'give each an address of its own');
  };
  const claimAll = (
    role: string,
    written: readonly Placed<ListenAddress>[] | undefined,
    standard: readonly ListenAddress[],
  ) => {
    if (written === undefined) for (const address of standard) claim(role, address, null);
    else for (const { value, at } of written) claim(role, value, at);
  };
  claimAll('http', http, GLOBAL_DEFAULTS.http);
  claimAll('https', https, GLOBAL_DEFAULTS.https);
  claimAll('admin', admin === null ? [] : admin && [admin], [GLOBAL_DEFAULTS.admin]);
  for (const { ocsp } of issuers) claimAll('ocsp', ocsp && [ocsp], []);
}
