/** One whole request as an upstream that goes by the letter of RFC 9112 reads it. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Without framing. */
  readonly body: string;
}

/** What is in the bytes of one connection: whole requests, and what is left behind the last. */
export function readRequests(text: string): {
  readonly requests: readonly ReadRequest[];
  readonly rest: string;
} {
  const requests: ReadRequest[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return { requests, rest };
    const [line = '', ...lines] = rest.slice(0, end).split('\r\n');
    const [method = '', target = ''] = line.split(' ');
    const fields = lines.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
    });
    const body = readBody(fields, rest.slice(end + 4));
    if (body === null) return { requests, rest };
    requests.push({ method, target, fields, body: body.text });
    rest = body.rest;
  }
}

/** The value of the only field with a name; null when there is none. */
export function only(fields: ReadRequest['fields'], name: string): string | null {
  const values = fields.filter(([key]) => key === name);
  if (values.length > 1) throw new Error(`two fields ${name}`);
  return values[0]?.[1] ?? null;
}

/** Null when it is not whole. Framing that can be read in two ways has no place here, and throws. */
function readBody(fields: ReadRequest['fields'], text: string): { text: string; rest: string } | null {
  const length = only(fields, 'content-length');
  const coding = only(fields, 'transfer-encoding');
  if (coding !== null) {
    if (coding.toLowerCase() !== 'chunked' || length !== null) throw new Error('framing in two ways');
    return readChunks(text);
  }
  if (length === null) return { text: '', rest: text };
  if (!/^\d+$/.test(length)) throw new Error(`a length of ${length}`);
  const bytes = Number(length);
  return text.length < bytes ? null : { text: text.slice(0, bytes), rest: text.slice(bytes) };
}

function readChunks(text: string): { text: string; rest: string } | null {
  let body = '';
  let rest = text;
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (line === null) {
      if (/^[0-9a-f]*\r?$/i.test(rest)) return null;
      throw new Error(`no chunk: ${JSON.stringify(rest.slice(0, 20))}`);
    }
    const size = Number.parseInt(line[1] ?? '', 16);
    rest = rest.slice(line[0].length);
    if (size === 0) {
      const trailers = /^(?:[^\r\n]+\r\n)*\r\n/.exec(rest);
      return trailers === null ? null : { text: body, rest: rest.slice(trailers[0].length) };
    }
    if (rest.length < size + 2) return null;
    if (rest.slice(size, size + 2) !== '\r\n') throw new Error('a chunk without end');
    body += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
}
