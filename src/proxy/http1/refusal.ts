import { STATUS_CODES } from 'node:http';
import { FIELD } from '../codec/field-kind.ts';
import { FAULTS } from '../codec/http1/faults.ts';
import type { RequestParser } from '../codec/http1/request-parser.ts';
import { defaultPage } from '../default-page.ts';
import { fieldLines } from '../raw-headers.ts';

/**
 * The status for a request head that cannot be read: that of the fault, but 413 for a length that is a number and too
 * large to be counted, and 400 where a coding or method is not what anybody means.
 */
export function refusalStatus({ fault, fields }: RequestParser): number {
  switch (fault) {
    case 'content-length-invalid':
      return LARGE.test(fields.valueOf(FIELD.contentLength) ?? '') ? 413 : 400;
    case 'transfer-coding-unknown':
    case 'method-lower-case':
      return 400;
    default:
      return FAULTS[fault];
  }
}

/** A zero in front is no valid length, however small. */
const LARGE = /^[1-9][0-9]{15,}$/;

/** The whole response to something that is no request, after which the connection ends. */
export function refusalBytes(status: number): Buffer {
  const { head, body } = defaultPage(status);
  const fields = fieldLines([...head.headers, 'Connection', 'close']);
  const pieces: Buffer[] = [
    Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields}\r\n`, 'latin1'),
  ];
  body.flow({ write: (chunk) => pieces.push(chunk) > 0, end: () => {}, fail: () => {} });
  return Buffer.concat(pieces);
}
