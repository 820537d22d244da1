export type Severity = 'error' | 'warning';

/**
 * Every kind of problem that a configuration can have. The code is API: scripts, suppressions in CI and tests compare
 * it, so that a code is never renamed or given another meaning. `summary` explains the code by itself.
 */
export const CODES = {
  // The text as such.
  'file-too-large': { severity: 'error', summary: 'The file is larger than 16 MiB.' },
  'line-too-long': { severity: 'error', summary: 'A line is longer than 64 KiB.' },
  'too-many-routes': { severity: 'error', summary: 'There are more than 100 000 routes.' },
  'too-many-problems': { severity: 'error', summary: 'There are more problems than are worth showing.' },
  'invalid-utf8': {
    severity: 'error',
    summary: 'The file is not UTF-8. In a comment this is only a warning.',
  },
  'nul-character': { severity: 'error', summary: 'There is a NUL. In a comment this is only a warning.' },
  unterminated: { severity: 'error', summary: 'A quoted text or a variable is not closed in its line.' },
  'invalid-variable': { severity: 'error', summary: 'A variable is misspelt, or its value cannot be used.' },
  'variable-unset': {
    severity: 'error',
    summary: 'A variable is not set. For "config check", which needs no secrets, this is only a warning.',
  },

  // Sections and directives.
  'outside-section': { severity: 'error', summary: 'A directive stands before the first section.' },
  'section-not-allowed': {
    severity: 'error',
    summary: 'Routes that come over the network hold only routes.',
  },
  'unknown-directive': { severity: 'error', summary: 'No section has a directive of this name.' },
  'wrong-section': { severity: 'error', summary: 'The directive belongs to another section.' },
  'wrong-issuer-type': {
    severity: 'error',
    summary: 'The directive means nothing for an issuer of this type.',
  },
  'duplicate-directive': { severity: 'error', summary: 'A directive that is set once is set again.' },
  'duplicate-issuer': { severity: 'error', summary: 'Two issuers have the same name.' },
  'missing-argument': { severity: 'error', summary: 'An argument is missing.' },
  'extra-argument': { severity: 'error', summary: 'There are more arguments than the directive has.' },
  'ignored-argument': { severity: 'warning', summary: 'What follows the directive is ignored.' },

  // Arguments.
  'invalid-keyword': {
    severity: 'error',
    summary: 'The argument is none of the words that are allowed here.',
  },
  'invalid-number': { severity: 'error', summary: 'The argument is not a number, or out of range.' },
  'invalid-address': { severity: 'error', summary: 'The argument is not an address to listen on.' },
  'invalid-cidr': { severity: 'error', summary: 'The argument is not a block of addresses.' },
  'invalid-duration': { severity: 'error', summary: 'The argument is not a length of time.' },
  'invalid-rate': { severity: 'error', summary: 'The argument is not a rate.' },
  'invalid-email': { severity: 'error', summary: 'The argument is not an e-mail address.' },
  'invalid-url': { severity: 'error', summary: 'The argument is not a URL of the kind that is wanted.' },
  'invalid-path': { severity: 'error', summary: 'The argument is not a path that can be used.' },
  'invalid-text': { severity: 'error', summary: 'The argument is empty or has a form that cannot be used.' },
  'invalid-name': { severity: 'error', summary: 'The argument is not a host name, wildcard or IP address.' },
  'invalid-option': { severity: 'error', summary: 'The argument is not of the form key=value.' },
  'unknown-option': { severity: 'error', summary: 'There is no option of this name.' },
  'missing-option': { severity: 'error', summary: 'An option without a default is missing.' },
  'option-conflict': { severity: 'error', summary: 'Two options exclude each other.' },
  'unreadable-file': {
    severity: 'error',
    summary: 'A file that is named cannot be read. For "config check" this is only a warning.',
  },
  'unusable-file': { severity: 'error', summary: 'A file that is named does not hold what it should.' },
  'duplicate-option': { severity: 'error', summary: 'An option is given twice.' },
  'invalid-status': {
    severity: 'error',
    summary: 'The argument is not a status of the kind that is wanted.',
  },
  'invalid-target': { severity: 'error', summary: 'The argument is not HOST[:PORT][/path[?query]].' },
  'invalid-upstream': { severity: 'error', summary: 'The argument is not an address to send requests to.' },

  // What does not fit together.
  'duplicate-address': { severity: 'error', summary: 'An address is to be listened on twice.' },
  'unknown-issuer': { severity: 'error', summary: 'There is no issuer of this name.' },
  'no-store-directory': {
    severity: 'error',
    summary: 'Nothing says where certificates are kept. For "config check" this is only a warning.',
  },
  'no-names': { severity: 'error', summary: 'A route has no name.' },
  'no-upstream': { severity: 'error', summary: 'A route has no upstream.' },
  'reserved-issuer': { severity: 'error', summary: 'The issuer named internal is the local CA.' },
  'multiple-fallbacks': { severity: 'error', summary: 'More than one route is the fallback.' },
  'redirect-needs-names': {
    severity: 'error',
    summary: 'A redirect to the primary name needs a second name.',
  },
  'redirect-to-wildcard': { severity: 'error', summary: 'A redirect cannot lead to a wildcard.' },

  // What works but is hardly meant.
  'no-routes': { severity: 'warning', summary: 'There are no routes, so that nothing is proxied.' },
  'duplicate-name': { severity: 'warning', summary: 'A name is given twice; the later route gets it.' },
  'unreachable-route': { severity: 'warning', summary: 'All names of a route belong to later routes.' },
  'name-never-matches': { severity: 'warning', summary: 'No request can ever carry this name.' },
  'empty-upstream': {
    severity: 'warning',
    summary: 'An upstream is empty: requests sent to it are answered 502.',
  },
  'unusable-upstream': { severity: 'warning', summary: 'An upstream cannot be reached as it is written.' },
  'unverified-upstream': { severity: 'warning', summary: 'The certificate of an upstream is not verified.' },
  'empty-provider': { severity: 'warning', summary: 'A provider is empty and so has no effect.' },
  'header-without-effect': {
    severity: 'warning',
    summary: 'A header rule changes nothing as it is written.',
  },
  'repeated-status': {
    severity: 'warning',
    summary: 'An earlier on_error is for the same status and counts.',
  },
  'unusable-subject': { severity: 'warning', summary: 'A name cannot be in a certificate as it is written.' },
  'subject-misses-name': {
    severity: 'warning',
    summary: 'The certificate that the subjects ask for does not cover a name of the route.',
  },
  'ignored-part': { severity: 'warning', summary: 'A part of the argument is ignored.' },
  'repeated-argument': { severity: 'warning', summary: 'An argument is given twice.' },
  'redirect-without-effect': { severity: 'warning', summary: 'All names of the route are its primary name.' },
  'wildcard-needs-dns-01': {
    severity: 'warning',
    summary: 'A wildcard certificate can only be had with a dns-01 or dns-persist-01 challenge.',
  },
  'tailscale-needs-one-name': {
    severity: 'warning',
    summary: 'A certificate of Tailscale is for one name, and several are wanted in one.',
  },
  'admin-for-nobody': {
    severity: 'warning',
    summary: 'The admin endpoint listens where others can connect, and nobody is named who may ask.',
  },
  'directive-without-effect': {
    severity: 'warning',
    summary: 'The directive has no effect as long as another one is absent.',
  },
  'challenge-needs-http': {
    severity: 'warning',
    summary: 'http-01 is answered on a plain listener, and there is none.',
  },
  'mixed-names': {
    severity: 'warning',
    summary:
      'A route has public names and names that no public CA certifies, and so one certificate of the local CA.',
  },
  'unnamed-responder': {
    severity: 'warning',
    summary: 'Certificates cannot name the responder, since no URL leads to its address.',
  },
  'no-acme-issuer': {
    severity: 'warning',
    summary: 'Public names get certificates of the local CA, which browsers do not trust.',
  },
} as const satisfies Record<string, { readonly severity: Severity; readonly summary: string }>;

/** The stable name of a kind of problem. */
export type ProblemCode = keyof typeof CODES;
