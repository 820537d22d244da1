import { Fault } from '../fault.ts';
import { parsePath } from './path.ts';

/** Where keys that seal a store are: never in the configuration itself. */
export type SealSource =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file' /** Absolute. */; readonly path: string };

/** `env:NAME` or `file:PATH`. */
export function parseSealSource(text: string, baseDir: string): SealSource | Fault {
  const [, kind, rest = ''] = /^(env|file):(.*)$/s.exec(text) ?? [];
  if (kind === 'env' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(rest)) return { kind, name: rest };
  if (kind === 'file') {
    const path = parsePath(rest, baseDir);
    return path instanceof Fault ? path : { kind, path };
  }
  return new Fault(
    'invalid-text',
    'does not say where keys are',
    'write seal=env:NAME for an environment variable or seal=file:PATH for a file',
  );
}

/** As {@link parseSealSource} reads it. */
export function formatSealSource(source: SealSource): string {
  return source.kind === 'env' ? `env:${source.name}` : `file:${source.path}`;
}
