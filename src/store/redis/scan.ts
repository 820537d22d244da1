import type { RedisConnection } from './connection.ts';

/** How many fields of a hash are asked for at a time: Redis is held up by no more than that. */
const COUNT = 1_000;

/**
 * Visits every field of a hash that is there all the time. One that is changed meanwhile may be visited twice.
 *
 * @throws RigilError that of the store
 */
export async function scanHash(
  connection: RedisConnection,
  key: string,
  visit: (field: string, value: Buffer) => void,
): Promise<void> {
  let cursor = '0';
  do {
    const [next, parts] = await connection.use((client) => client.hscanBuffer(key, cursor, 'COUNT', COUNT));
    for (let index = 0; index + 1 < parts.length; index += 2) {
      const [field, value] = [parts[index], parts[index + 1]];
      if (field !== undefined && value !== undefined) visit(field.toString(), value);
    }
    cursor = next.toString();
  } while (cursor !== '0');
}
