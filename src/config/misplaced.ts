import { didYouMean } from '../text/closest.ts';
import type { Problems } from './diagnostics.ts';
import type { SectionName } from './grammar/directive.ts';
import { byName, directives, sections, sectionsWith } from './grammar/directives.ts';
import { quote } from './text/quote.ts';
import type { Word } from './text/words.ts';

const SECTION_NAMES = sections.map(({ name }) => name);
const ALL_NAMES = [...SECTION_NAMES, ...directives.map(({ name }) => name)];

/** Reports a line that stands before the first section. */
export function reportOutside(first: Word, problems: Problems): void {
  const name = first.text.toLowerCase();
  const [section] = sectionsWith(name);
  if (section !== undefined) {
    const message = `${name} stands before the first section`;
    problems.report('outside-section', first, message, `put it below a line "${openingOf(section)}"`);
    return;
  }
  const message = `${quote(first.source)} is neither a section nor a directive`;
  const hint = () => didYouMean(first.text, ALL_NAMES) ?? `sections begin with ${SECTION_NAMES.join(', ')}`;
  problems.report('unknown-directive', first, message, hint);
}

/** Reports a line whose directive `section` does not have. */
export function reportUnknown(first: Word, section: SectionName, problems: Problems): void {
  const [home] = sectionsWith(first.text.toLowerCase());
  if (home !== undefined) {
    const message = `${first.text} belongs to a section "${openingOf(home)}", not to "${openingOf(section)}"`;
    const hint = 'every line belongs to the section that was opened last';
    problems.report('wrong-section', first, message, hint);
    return;
  }
  const here = [...byName[section].keys()];
  const hint = () =>
    didYouMean(first.text, here) ??
    didYouMean(first.text, ALL_NAMES) ??
    `a section "${openingOf(section)}" has: ${here.join(', ')}`;
  problems.report('unknown-directive', first, `there is no directive ${quote(first.source)}`, hint);
}

function openingOf(section: SectionName): string {
  return sections.find(({ name }) => name === section)?.synopsis ?? section;
}
