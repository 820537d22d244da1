import type { Directive, DirectiveDocumentation, SectionName } from './directive.ts';
import { globalDirectives } from './global.ts';
import { issuerDirectives } from './issuer.ts';
import { routeDirectives } from './route.ts';

/** What the documentation says of a section. */
export interface SectionDocumentation {
  readonly name: SectionName;
  /** The line that opens it. */
  readonly synopsis: string;
  /** One line, beginning with a capital letter, without a final full stop. */
  readonly summary: string;
  /** Paragraphs are separated by an empty line. */
  readonly documentation: string;
  readonly directives: readonly DirectiveDocumentation[];
}

/** The whole language, for those who write manuals: the sections in order, each with its directives. */
export const sections: readonly SectionDocumentation[] = [
  {
    name: 'global',
    synopsis: 'global',
    summary: 'Settings of the whole program',
    documentation: 'May be left out, and may stand more than once.',
    directives: globalDirectives,
  },
  {
    name: 'issuer',
    synopsis: 'issuer NAME',
    summary: 'Where certificates come from',
    documentation:
      "Without any such section there are two issuers: `letsencrypt` (type acme, Let's Encrypt's production directory) and `internal` (the local CA, for names that no public CA certifies: names without a dot such as `localhost`, names under `.localhost`, `.test`, `.internal`, `.home.arpa`, `.local` and the like, and private addresses).\n\n`internal` is always there, with or without a section of its own. Unless `issuers` names it, it is used only for such names and for routes that name it with `provider`.",
    directives: issuerDirectives,
  },
  {
    name: 'route',
    synopsis: 'route NAME…',
    summary: 'Which names are served, and by which upstreams',
    documentation:
      'A name is a host name, `*.` and a host name (which matches exactly one label; an exact name beats it), or an IP address. International names may be written as they are. The first name is the primary one. When two routes have the same name, the later one gets it.\n\nClients name no IP address in the TLS handshake. A route with one is found by the address that the client connected to; where that is another one, as behind NAT, make the route the fallback.',
    directives: routeDirectives,
  },
];

/** Every directive with its section, for those who write manuals. */
export const directives: readonly (DirectiveDocumentation & { readonly section: SectionName })[] =
  sections.flatMap((section) =>
    section.directives.map((directive) => ({ ...directive, section: section.name })),
  );

/** The directives of a section by name. */
export const byName = {
  global: index(globalDirectives),
  issuer: index(issuerDirectives),
  route: index(routeDirectives),
} as const;

/** Sections that have a directive of this name. */
export function sectionsWith(name: string): readonly SectionName[] {
  return sections.filter((section) => byName[section.name].has(name)).map((section) => section.name);
}

function index<Draft>(list: readonly Directive<Draft>[]): ReadonlyMap<string, Directive<Draft>> {
  return new Map(list.map((directive) => [directive.name, directive]));
}
