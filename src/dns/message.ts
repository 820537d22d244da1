import { isWithin } from './names.ts';

/** DNS messages on the wire (RFC 1035 4.1, RFC 2136 2): what an update and its answer need, and no more. */

export const TYPE = { NS: 2, CNAME: 5, SOA: 6, TXT: 16, TSIG: 250 } as const;
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const;
export const OPCODE = { QUERY: 0, UPDATE: 5 } as const;

export interface DnsMessage {
  /** 0 to 65535; the answer has the same one. */
  readonly id: number;
  /** QR, opcode, AA, TC, RD, RA, Z and RCODE, as the 16 bits of the header. */
  readonly flags: number;
  /** The zone of an update. */
  readonly questions: readonly Question[];
  /** The prerequisites of an update. */
  readonly answers: readonly ResourceRecord[];
  /** The changes of an update. */
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord {
  /** In lower case, without the final dot; the root is ``. Bytes other than `!` to `~`, dots and backslashes are escaped as `\DDD`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** In seconds. */
  readonly ttl: number;
  /** As on the wire. Names in it may be compressed, so only types without names can be looked into. */
  readonly data: Buffer;
}

/** A message that breaks the rules of its format; `offset` is where, in bytes. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
  }
}

export const rcodeOf = (message: DnsMessage): number => message.flags & 0xf;
export const opcodeOf = (message: DnsMessage): number => (message.flags >> 11) & 0xf;
export const isResponse = (message: DnsMessage): boolean => (message.flags & 0x8000) !== 0;

export function encodeMessage(message: DnsMessage): Buffer {
  const header = Buffer.alloc(12);
  const sections = [message.questions, message.answers, message.authorities, message.additionals];
  header.writeUInt16BE(message.id, 0);
  header.writeUInt16BE(message.flags, 2);
  sections.forEach((section, index) => {
    header.writeUInt16BE(section.length, 4 + 2 * index);
  });
  return Buffer.concat([
    header,
    ...message.questions.map(encodeQuestion),
    ...[...message.answers, ...message.authorities, ...message.additionals].map(encodeRecord),
  ]);
}

function encodeQuestion(question: Question): Buffer {
  return Buffer.concat([encodeName(question.name), uint16(question.type), uint16(question.class)]);
}

function encodeRecord(record: ResourceRecord): Buffer {
  return Buffer.concat([
    encodeName(record.name),
    uint16(record.type),
    uint16(record.class),
    uint32(record.ttl),
    uint16(record.data.length),
    record.data,
  ]);
}

/** A name without compression, as TSIG needs it. The empty string is the root. */
export function encodeName(name: string): Buffer {
  if (name === '') return Buffer.from([0]);
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(
      label.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number(code))),
      'latin1',
    );
    if (bytes.length === 0 || bytes.length > 63)
      throw new RangeError(`a label of ${name} is empty or too long`);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const wire = Buffer.concat([...labels, Buffer.from([0])]);
  if (wire.length > 255) throw new RangeError(`${name} is too long`);
  return wire;
}

/** The data of a TXT record with one string of at most 255 bytes. */
export function encodeTxt(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length > 255) throw new RangeError('a TXT string holds 255 bytes at most');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @throws MalformedMessage for anything that is not one whole message, and only that */
export function decodeMessage(wire: Buffer): DnsMessage & { readonly tsigOffset: number | null } {
  const reader = new Reader(wire);
  const id = reader.uint16();
  const flags = reader.uint16();
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const questions: Question[] = [];
  for (let i = 0; i < counts[0]; i++) {
    questions.push({ name: reader.name(), type: reader.uint16(), class: reader.uint16() });
  }
  let tsigOffset: number | null = null;
  const section = (count: number): ResourceRecord[] => {
    const records: ResourceRecord[] = [];
    for (let i = 0; i < count; i++) {
      const start = reader.offset;
      const record = reader.record();
      if (record.type === TYPE.TSIG) tsigOffset = start;
      records.push(record);
    }
    return records;
  };
  const [answers, authorities, additionals] = [section(counts[1]), section(counts[2]), section(counts[3])];
  if (reader.offset !== wire.length) throw new MalformedMessage('bytes after the end', reader.offset);
  return { id, flags, questions, answers, authorities, additionals, tsigOffset };
}

/** Reads values one after the other, never beyond the end. */
export class Reader {
  offset = 0;
  readonly #wire: Buffer;

  constructor(wire: Buffer) {
    this.#wire = wire;
  }

  uint16(): number {
    return this.bytes(2).readUInt16BE();
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  bytes(count: number): Buffer {
    const end = this.offset + count;
    if (end > this.#wire.length) throw new MalformedMessage('the message ends early', this.offset);
    const bytes = this.#wire.subarray(this.offset, end);
    this.offset = end;
    return bytes;
  }

  record(): ResourceRecord {
    const name = this.name();
    const type = this.uint16();
    const cls = this.uint16();
    const ttl = this.uint32();
    return { name, type, class: cls, ttl, data: this.bytes(this.uint16()) };
  }

  /** A name, following compression pointers (RFC 1035 4.1.4), which may only point backwards: so they end. */
  name(): string {
    const labels: string[] = [];
    let length = 1;
    let resume: number | null = null;
    let lowest = this.offset;
    for (;;) {
      const at = this.offset;
      const size = this.bytes(1).readUInt8();
      if (size === 0) break;
      if (size >= 0xc0) {
        const target = ((size & 0x3f) << 8) | this.bytes(1).readUInt8();
        if (target >= lowest)
          throw new MalformedMessage('a compression pointer does not point backwards', at);
        resume ??= this.offset;
        lowest = target;
        this.offset = target;
        continue;
      }
      if (size > 63) throw new MalformedMessage('a label of an unknown kind', at);
      length += size + 1;
      if (length > 255) throw new MalformedMessage('a name longer than 255 bytes', at);
      labels.push(printable(this.bytes(size)));
    }
    if (resume !== null) this.offset = resume;
    return labels.join('.');
  }
}

function printable(label: Buffer): string {
  return label
    .toString('latin1')
    .replace(/[^!-~]|[.\\]/g, (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, '0')}`)
    .toLowerCase();
}

/** The owner of the SOA record that an answer carries for `name`: the zone that holds it. Null when there is none. */
export function soaOwner(message: DnsMessage, name: string): string | null {
  const soa = [...message.answers, ...message.authorities].find(
    (record) => record.type === TYPE.SOA && record.class === CLASS.IN && isWithin(name, record.name),
  );
  return soa?.name ?? null;
}
