import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CODES, type ProblemCode } from '../codes.ts';
import type { Diagnostic } from '../diagnostics.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** A SARIF 2.1.0 log (OASIS standard) of one check, for code scanning and editors. `version` is that of rigil. */
export function formatSarif(file: string, diagnostics: readonly Diagnostic[], version: string): object {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'rigil', version, rules: codes.map(ruleOf) } },
        columnKind: 'unicodeCodePoints',
        artifacts: [{ location: { uri: uriOf(file) } }],
        results: diagnostics.map((diagnostic) => resultOf(diagnostic, codes.indexOf(diagnostic.code))),
      },
    ],
  };
}

function ruleOf(code: ProblemCode): object {
  const { severity, summary } = CODES[code];
  return { id: code, shortDescription: { text: summary }, defaultConfiguration: { level: severity } };
}

function resultOf(
  { file, line, column, severity, code, message, hint }: Diagnostic,
  ruleIndex: number,
): object {
  const region = { startLine: line, ...(column > 0 ? { startColumn: column } : {}) };
  const physicalLocation = {
    artifactLocation: { uri: uriOf(file), index: 0 },
    ...(line > 0 ? { region } : {}),
  };
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: hint === null ? message : `${message}\nhint: ${hint}` },
    locations: [{ physicalLocation }],
  };
}

/** A relative path stays relative, so that it is found in a checkout elsewhere. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return file.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/');
}
