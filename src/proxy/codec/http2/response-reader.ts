import { parseContentLength } from '../content-length.ts';
import { FIELD } from '../field-kind.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { isPseudo, kindFault, type MessageFault } from './message-faults.ts';

/** Reads a decoded header list as a response of an upstream (RFC 9113 8.3.2). */
export class ResponseReader {
  /** 100 to 999, but never 101, which HTTP/2 does not have (RFC 9113 8.6). */
  status = 0;
  /** In bytes; -1 when the head does not say. */
  contentLength = -1;

  /** Null when it is a response. */
  read(list: HeaderList): MessageFault | null {
    const { fields } = list;
    if (list.tooLarge) return 'header-list-too-large';
    this.status = 0;
    this.contentLength = -1;
    let regular = false;
    for (let index = 0; index < fields.count; index += 1) {
      const kind = fields.kind(index);
      const fault = kindFault(kind);
      if (fault !== null) return fault;
      if (!isPseudo(kind)) {
        regular = true;
        if (kind !== FIELD.contentLength) continue;
        if (this.contentLength >= 0) return 'content-length-repeated';
        const { bytes } = fields;
        this.contentLength = parseContentLength(bytes, fields.valueFrom(index), fields.valueTo(index), true);
        if (this.contentLength < 0) return 'content-length-invalid';
        continue;
      }
      if (kind !== FIELD.status) return 'pseudo-field-unexpected';
      if (regular) return 'pseudo-field-late';
      if (this.status !== 0) return 'pseudo-field-repeated';
      this.status = statusOf(fields.bytes, fields.valueFrom(index), fields.valueTo(index));
      if (this.status < 100 || this.status === 101) return 'status-invalid';
    }
    return this.status === 0 ? 'pseudo-field-missing' : null;
  }
}

/** Three digits, or -1. */
function statusOf(bytes: Buffer, from: number, to: number): number {
  if (to - from !== 3) return -1;
  let status = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}
