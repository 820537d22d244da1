import type { DirectiveDocumentation } from '../src/config/grammar/directive.ts';
import { directives, sections } from '../src/config/grammar/directives.ts';
import { providers } from '../src/dns/registry.ts';
import { bold, entry, italic, literal, paragraph, plain, section, subsection, title } from './roff.ts';

/** man/rigil.conf.5 and docs/directives.md, from the same table that the parser reads. */
export function directivePages(version: string): [path: string, text: string][] {
  return [
    ['man/rigil.conf.5', manualPage(version)],
    ['docs/directives.md', markdownPage()],
  ];
}

const SYNTAX = `One file in UTF-8, read line by line. A line is a directive and its arguments, separated by spaces or tabs; indentation is free, names of directives are read in any case. A \`#\` at the start of a line begins a comment, and so does one after white space, except in a header rule.

Three directives open a section: \`global\`, \`issuer NAME\` and \`route NAME…\`. Every line belongs to the section that was opened last.

In the sections \`global\` and \`issuer\`, \`\${VAR}\` and \`\${VAR:-default}\` are replaced from the environment. A variable that is not set is an error for the daemon and a warning for \`rigil config check\`.

A file may have 16 MiB, a line 64 KiB, and there may be 100 000 routes. Route files of Centauri 2.8 are accepted and mean the same.`;

function manualPage(version: string): string {
  return [
    title('rigil.conf', 5, version),
    section('Name', 'rigil.conf \\- configuration of the rigil proxy\n'),
    section('Synopsis', `${italic('./rigil.conf')}, ${italic('/etc/rigil/rigil.conf')}\n`),
    section('Description', paragraph(SYNTAX)),
    ...sections.map(({ name, synopsis, summary, documentation }) =>
      section(
        synopsis,
        paragraph(sentence(summary, documentation)) +
          of(name)
            .map((directive) => entry(terms(directive), body(directive)))
            .join(''),
      ),
    ),
    section(
      'DNS providers',
      providers
        .map(
          (provider) =>
            subsection(provider.name, paragraph(provider.documentation)) +
            provider.options
              .map((option) =>
                entry(
                  `${bold(option.name)}=${italic('VALUE')}`,
                  [sentence(option.documentation, ''), ...remarks(option)].join(' '),
                ),
              )
              .join(''),
        )
        .join(''),
    ),
    section(
      'Examples',
      literal('route example.com www.example.com\n  upstream app:8080\n  redirect-to-primary') +
        literal('global\n  workers 2\n\nroute *.apps.example.com\n  upstream https://apps.internal:8443'),
    ),
    section('See also', `${bold('rigil')}(1),\n${bold('rigil-config-check')}(1)\n`),
  ].join('');
}

function markdownPage(): string {
  return `<!-- Generated from the table of directives: \`npm run docs\`. -->

# The directives

${SYNTAX}
${sections
  .map(
    ({ name, synopsis, summary, documentation }) => `
## ${synopsis}

${sentence(summary, documentation)}
${of(name)
  .map(
    (directive) => `
### \`${directive.name}\`

${directive.synopses.map((synopsis) => `    ${`${directive.name} ${synopsis}`.trim()}`).join('\n')}

${body(directive)}
${directive.examples.length === 0 ? '' : `\n\`\`\`\n${directive.examples.join('\n')}\n\`\`\`\n`}`,
  )
  .join('')}`,
  )
  .join('')}
## DNS providers

${providers
  .map(
    (provider) => `### \`challenge dns-01 ${provider.name}\`

${provider.documentation}

${provider.options.map((option) => `- \`${option.name}=VALUE\`: ${[sentence(option.documentation, ''), ...remarks(option)].join(' ')}`).join('\n')}
`,
  )
  .join('\n')}`;
}

function of(name: string): readonly DirectiveDocumentation[] {
  return directives.filter((directive) => directive.section === name);
}

function terms({ name, synopses }: DirectiveDocumentation): string {
  return synopses.map((synopsis) => `${bold(name)} ${plain(synopsis)}`.trim()).join('\n.TQ\n');
}

function body(directive: DirectiveDocumentation): string {
  const { summary, documentation, repeatable, argumentTypes } = directive;
  const kinds = argumentTypes
    .filter(({ description }) => description !== null)
    .map(({ placeholder, description }) => `${placeholder}: ${description}.`);
  return [
    sentence(summary, documentation),
    [
      ...kinds,
      ...(directive.default === null ? [] : [`Default: \`${directive.default}\`.`]),
      ...(repeatable ? ['May be repeated.'] : []),
    ].join(' '),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function remarks(option: (typeof providers)[number]['options'][number]): string[] {
  return [
    ...(option.required === true ? ['Required.'] : []),
    ...(option.default === undefined ? [] : [`Default: \`${option.default}\`.`]),
    ...(option.env === undefined || option.env.length === 0
      ? []
      : [`Environment: \`${option.env.join('`, `')}\`.`]),
    ...(option.secret === true ? ['Secret.'] : []),
  ];
}

function sentence(summary: string, documentation: string): string {
  const first = /[.!?]$/.test(summary) ? summary : `${summary}.`;
  return documentation === '' ? first : `${first} ${documentation}`;
}
