import { findProvider } from '../../dns/registry.ts';
import { writeSettingsWord } from '../text/settings-word.ts';

/** How acme.sh calls the DNS services that lego calls by these names and that rigil does not know itself. */
const ACME_SH_SCRIPTS: Readonly<Record<string, string>> = {
  alidns: 'dns_ali',
  arvancloud: 'dns_arvan',
  autodns: 'dns_autodns',
  azuredns: 'dns_azure',
  bunny: 'dns_bunny',
  cloudns: 'dns_cloudns',
  conoha: 'dns_conoha',
  constellix: 'dns_constellix',
  desec: 'dns_desec',
  digitalocean: 'dns_dgon',
  dnsimple: 'dns_dnsimple',
  dreamhost: 'dns_dreamhost',
  duckdns: 'dns_duckdns',
  dyn: 'dns_dyn',
  easydns: 'dns_easydns',
  exoscale: 'dns_exoscale',
  gandiv5: 'dns_gandi_livedns',
  gcloud: 'dns_gcloud',
  godaddy: 'dns_gd',
  hetzner: 'dns_hetzner',
  hurricane: 'dns_he',
  infomaniak: 'dns_infomaniak',
  internetbs: 'dns_internetbs',
  inwx: 'dns_inwx',
  ionos: 'dns_ionos',
  joker: 'dns_joker',
  linode: 'dns_linode_v4',
  loopia: 'dns_loopia',
  luadns: 'dns_lua',
  mythicbeasts: 'dns_mythic_beasts',
  namecheap: 'dns_namecheap',
  namesilo: 'dns_namesilo',
  netcup: 'dns_netcup',
  njalla: 'dns_njalla',
  nsone: 'dns_nsone',
  ovh: 'dns_ovh',
  pdns: 'dns_pdns',
  porkbun: 'dns_porkbun',
  rackspace: 'dns_rackspace',
  scaleway: 'dns_scaleway',
  selectel: 'dns_selectel',
  simply: 'dns_simply',
  tencentcloud: 'dns_tencent',
  transip: 'dns_transip',
  vercel: 'dns_vercel',
  vultr: 'dns_vultr',
  zonomi: 'dns_zonomi',
};

/** The lines for one of lego's DNS providers. */
export interface DnsLines {
  /** Comments and the `challenge` directive. */
  readonly lines: readonly string[];
  /** Variables whose values stand in the lines. */
  readonly read: readonly string[];
  /** Variables that rigil reads in its environment. */
  readonly keep: readonly string[];
  /** What a person has to do; null = nothing. */
  readonly byHand: string | null;
}

/** What `DNS_PROVIDER=name` becomes. Secrets stay variables. */
export function dnsLines(name: string, env: Readonly<Record<string, string | undefined>>): DnsLines {
  const entry = findProvider(name);
  if (entry === null) return foreign(name.toLowerCase());
  const [keep, read]: [string[], string[]] = [[], []];
  const options = entry.options.flatMap((option) => {
    for (const variable of option.env ?? []) {
      const value = env[variable];
      if (value !== undefined && value !== '') {
        read.push(variable);
        if (option.secret !== true) return [writeSettingsWord(`${option.name}=${value}`)];
        keep.push(variable);
        return [`${option.name}=\${${variable}}`];
      }
      const file = `${variable}_FILE`;
      if (env[file] !== undefined) keep.push(file);
    }
    return [];
  });
  const byHand =
    entry.name === 'exec'
      ? 'the program gets only the variables that the option env= of the challenge names'
      : null;
  return { lines: [['challenge dns-01', entry.name, ...options].join(' ')], read, keep, byHand };
}

/** A service that rigil reaches through a program: an acme.sh script where there is one, else one to be written. */
function foreign(name: string): DnsLines {
  const script = ACME_SH_SCRIPTS[name];
  if (script !== undefined) {
    return {
      lines: [
        `# lego's ${name} is acme.sh's ${script}: install acme.sh for the user that runs rigil, and let it issue one`,
        '# certificate, so that it saves the credentials. For a program of your own: challenge dns-01 exec path=…',
        `challenge dns-01 exec dialect=acme.sh api=${script}`,
      ],
      read: [],
      keep: [],
      byHand: `lego's DNS provider ${name} is reached through acme.sh's ${script}: give acme.sh the credentials, under its own names`,
    };
  }
  return {
    lines: [
      `# rigil has no DNS provider ${name}: this calls a program as lego's exec does (present|cleanup NAME. VALUE).`,
      '# For an HTTP server that does it, in the protocol of lego httpreq: challenge dns-01 httpreq endpoint=https://…',
      'challenge dns-01 exec path=/usr/local/bin/dns-hook',
    ],
    read: [],
    keep: [],
    byHand: `rigil has no DNS provider ${writeSettingsWord(name)}: write the program /usr/local/bin/dns-hook, or use httpreq`,
  };
}
