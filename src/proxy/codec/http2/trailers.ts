import { HEAD_ONLY } from '../head-only.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { isPseudo, kindFault, type MessageFault } from './message-faults.ts';

/** Whether a decoded header list can be a trailer section (RFC 9113 8.1, RFC 9110 6.5.1). Null when it can. */
export function trailersFault(list: HeaderList): MessageFault | null {
  const { fields } = list;
  if (list.tooLarge) return 'header-list-too-large';
  for (let index = 0; index < fields.count; index += 1) {
    const kind = fields.kind(index);
    const fault = kindFault(kind);
    if (fault !== null) return fault;
    if (isPseudo(kind)) return 'pseudo-field-unexpected';
    if (HEAD_ONLY.has(kind)) return 'trailer-forbidden';
  }
  return null;
}
