import type { Problems } from './diagnostics.ts';
import { Fault } from './fault.ts';
import type { Placed } from './grammar/argument.ts';
import type { IssuerDraft, RouteDraft } from './grammar/drafts.ts';
import { quote } from './text/quote.ts';
import type { Word } from './text/words.ts';
import { parseIssuerName } from './values/issuer-name.ts';
import { parseRouteName } from './values/route-name.ts';

/** The words of a line that opens a section, the keyword first. */
type Opening = readonly [Word, ...Word[]];

/**
 * Opens `issuer NAME` and adds it to `issuers`. What cannot be added is gathered all the same, so that its lines are
 * read. A line that is not `usable` was reported already and is not judged again.
 */
export function openIssuer(
  [keyword, word, extra]: Opening,
  usable: boolean,
  issuers: Map<string, IssuerDraft>,
  problems: Problems,
): IssuerDraft {
  const draft = (name: string): IssuerDraft => ({
    name,
    at: word ?? keyword,
    challenges: [],
    seen: new Map(),
  });
  if (!usable) return draft('');
  if (word === undefined) {
    const hint = 'write it like: issuer letsencrypt';
    problems.report('missing-argument', keyword, 'issuer lacks a name', hint);
    return draft('');
  }
  reportMore(extra, 'issuer NAME', problems);
  const name = parseIssuerName(word.text);
  if (name instanceof Fault) {
    problems.report(name.code, word, `${quote(word.text)} ${name.message}`, name.hint);
    return draft('');
  }
  const issuer = draft(name);
  const earlier = issuers.get(name);
  if (earlier === undefined) issuers.set(name, issuer);
  else {
    const message = `there is an issuer ${name} in line ${earlier.at.line} already`;
    problems.report('duplicate-issuer', word, message, 'put all its directives into one section');
  }
  return issuer;
}

/** Opens `route NAME…`. A line that is not `usable` was reported already and is not judged again. */
export function openRoute([keyword, ...words]: Opening, usable: boolean, problems: Problems): RouteDraft {
  if (words.length === 0 && usable) {
    problems.report('no-names', keyword, 'the route has no name', 'write it like: route example.com');
  }
  const names: Placed<string>[] = [];
  const unmatchable: string[] = [];
  for (const word of usable ? words : []) {
    const name = parseRouteName(word.text);
    if (!(name instanceof Fault)) {
      names.push({ value: name, at: word });
      continue;
    }
    problems.report(name.code, word, `${quote(word.text)} ${name.message}`, name.hint);
    if (name.code !== 'name-never-matches') continue;
    const undotted = parseRouteName(word.text.slice(0, -1));
    if (!(undotted instanceof Fault)) unmatchable.push(undotted);
  }
  return {
    at: keyword,
    names,
    unmatchable,
    written: usable ? words.length : Number.POSITIVE_INFINITY,
    hasUpstream: false,
    upstreams: [],
    onError: [],
    headerRules: [],
    subjects: new Set(),
  };
}

/** Reports `extra` as more than the line `form` takes. */
export function reportMore(extra: Word | undefined, form: string, problems: Problems): void {
  if (extra === undefined) return;
  const message = `${quote(extra.source)} is more than belongs here`;
  problems.report('extra-argument', extra, message, `the line that opens the section is just: ${form}`);
}
