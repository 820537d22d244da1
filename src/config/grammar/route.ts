import { Fault } from '../fault.ts';
import { quote } from '../text/quote.ts';
import { parseErrorStatus, parseErrorTarget } from '../values/error-page.ts';
import { parseHeaderRule } from '../values/header-rule.ts';
import { parseRouteName } from '../values/route-name.ts';
import type { ArgumentReader } from './argument.ts';
import { balancingDirectives } from './balancing.ts';
import type { Directive, DirectiveLine } from './directive.ts';
import type { RouteDraft } from './drafts.ts';
import { upstreamDirective } from './upstream.ts';

/**
 * The directives of a `route` section, in the order of the documentation. Those that Centauri has read
 * their lines themselves, because each has a reading of its own there, and its files mean the same here.
 */
export const routeDirectives: readonly Directive<RouteDraft>[] = [
  upstreamDirective,
  ...balancingDirectives,
  {
    name: 'on_error',
    synopses: ['CODE HOST[:PORT][/path[?query]]'],
    argumentTypes: [],
    repeatable: true,
    summary: 'Who writes the response when it has this status',
    documentation:
      "When an upstream answers with CODE (400 to 599), or cannot be reached at all (502), the target is asked with GET, and its headers and body are sent with the original status. Without a path the target is asked for the path and query of the request. The first line for a status counts. When the target does not answer, the upstream's own response is sent.",
    default: null,
    examples: ['on_error 502 error-pages:8080', 'on_error 404 error-pages:8080/404.html?from=site'],
    read: readOnError,
  },
  {
    name: 'provider',
    synopses: ['ISSUER'],
    argumentTypes: [],
    repeatable: false,
    summary: 'The issuer that the certificate of this route must come from',
    documentation:
      "The name of an issuer section, or `internal` for the local CA. Centauri's names `lego` (the first acme issuer) and `selfsigned` (the local CA) are understood.",
    default: 'by preference; see issuers',
    examples: ['provider internal'],
    read: readProvider,
  },
  {
    name: 'header',
    synopses: ['add NAME VALUE', 'replace NAME VALUE', 'default NAME VALUE', 'delete NAME'],
    argumentTypes: [],
    repeatable: true,
    summary: 'Changes a header of the responses to the client',
    documentation:
      '`add` adds one more, `replace` takes the place of all of that name, `default` is sent when the upstream sent none, `delete` removes all of that name. The rules apply in the order of the file, to error pages too, but not to redirects.\n\nPut exactly one space between the words: everything behind the name, `#` included, is the value. A comment cannot follow.',
    default: null,
    examples: [
      'header replace Strict-Transport-Security max-age=63072000',
      'header default X-Frame-Options DENY',
      'header delete Server',
    ],
    read: readHeader,
  },
  {
    name: 'fallback',
    synopses: [''],
    argumentTypes: [],
    repeatable: false,
    summary: 'This route answers for every name that no other route has',
    documentation:
      "Only one route can be the fallback. Clients that ask for another name see this route's certificate. Without a fallback they get the TLS alert `unrecognized_name`, or status 421.",
    default: null,
    examples: ['fallback'],
    read: readFallback,
  },
  {
    name: 'redirect-to-primary',
    synopses: [''],
    argumentTypes: [],
    repeatable: false,
    summary: 'Redirects all other names of the route to the first one',
    documentation: 'With status 308; path and query are kept.',
    default: null,
    examples: ['redirect-to-primary'],
    read: readRedirect,
  },
  {
    name: 'subject',
    synopses: ['NAME…'],
    argumentTypes: [],
    repeatable: true,
    summary: 'The names of the certificate, when they are not those of the route',
    documentation: 'The first one is its subject. `wildcard-domains` applies to these names too.',
    default: 'the names of the route',
    examples: ['subject example.com *.example.com'],
    read: readSubject,
  },
];

function readOnError({ input }: DirectiveLine, draft: RouteDraft): boolean {
  const [code, target, extra] = [input.take(), input.take(), input.take()];
  if (code === undefined || target === undefined) {
    const missing = code === undefined ? 'a status and a target' : 'a target';
    input.report(input.directive, 'missing-argument', `on_error lacks ${missing}`, input.usage);
    return true;
  }
  if (extra !== undefined) {
    input.report(extra, 'extra-argument', `${quote(extra.text)} is more than on_error takes`, input.usage);
  }
  const status = parseErrorStatus(code.text);
  if (status instanceof Fault)
    input.report(code, status.code, `${quote(code.text)} ${status.message}`, status.hint);
  const page = parseErrorTarget(target.text);
  for (const fault of page instanceof Fault ? [page] : page.doubts) {
    input.report(target, fault.code, `${quote(target.text)} ${fault.message}`, fault.hint);
  }
  if (status instanceof Fault || page instanceof Fault) return true;
  if (draft.onError.some((rule) => rule.status === status)) {
    const message = `an earlier on_error for ${status} counts, this one is ignored`;
    input.report(code, 'repeated-status', message);
  } else draft.onError.push({ status, upstream: page.upstream, path: page.path });
  return true;
}

function readProvider({ input }: DirectiveLine, draft: RouteDraft): boolean {
  const [name, extra] = [input.take(), input.take()];
  if (name === undefined) {
    input.report(input.directive, 'empty-provider', 'provider without a name has no effect', input.usage);
    return false;
  }
  if (extra !== undefined) {
    input.report(extra, 'extra-argument', `${quote(extra.text)} is more than provider takes`, input.usage);
  }
  draft.provider = { value: name.text, at: name };
  return true;
}

function readHeader({ input, raw }: DirectiveLine, draft: RouteDraft): boolean {
  const rule = parseHeaderRule(raw);
  if (rule instanceof Fault) report(input, rule, 'the header rule');
  else draft.headerRules.push(rule);
  return true;
}

function readFallback({ input }: DirectiveLine, draft: RouteDraft): boolean {
  draft.fallback = input.directive;
  ignoreArguments(input, 'the fallback answers for all names that no other route has');
  return true;
}

function readRedirect({ input }: DirectiveLine, draft: RouteDraft): boolean {
  draft.redirectToPrimary = input.directive;
  ignoreArguments(input, 'the first name of the route is the primary one');
  return true;
}

function readSubject({ input }: DirectiveLine, draft: RouteDraft): boolean {
  if (input.peek() === undefined) {
    input.report(input.directive, 'missing-argument', 'subject lacks a name', input.usage);
  }
  for (let word = input.take(); word !== undefined; word = input.take()) {
    const undotted = word.text.endsWith('.') ? word.text.slice(0, -1) : word.text;
    const name = parseRouteName(undotted);
    if (name instanceof Fault) {
      const message = `${quote(word.text)} ${name.message}; it is left out of the certificate`;
      input.report(word, 'unusable-subject', message, name.hint);
    } else if (undotted !== word.text) {
      const message = `${quote(word.text)} ends with a dot, which no certificate has; it is taken without`;
      input.report(word, 'unusable-subject', message, `write ${undotted}`);
      draft.subjects.add(name);
    } else if (draft.subjects.has(name)) {
      input.report(word, 'repeated-argument', `${quote(word.text)} is named twice`);
    } else draft.subjects.add(name);
  }
  return true;
}

function ignoreArguments(input: ArgumentReader, hint: string): void {
  const extra = input.peek();
  if (extra === undefined) return;
  input.report(extra, 'ignored-argument', `what follows ${input.directive.text} is ignored`, hint);
}

/** Reports a fault of the whole rest of the line. */
function report(input: ArgumentReader, fault: Fault, subject: string): void {
  input.report(input.peek() ?? input.directive, fault.code, `${subject} ${fault.message}`, fault.hint);
}
