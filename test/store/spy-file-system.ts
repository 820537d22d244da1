import { type FileSystem, systemFileSystem } from '../../src/store/file-system.ts';

/** One operation of the file system: `rename`, `open r`, `open wx`, or on an open file `file.sync`. */
export interface Operation {
  readonly name: string;
  /** First argument, where it is a path. */
  readonly path: string;
  /** From 1. */
  readonly number: number;
}

/**
 * The file system of the machine, with somebody who sees every operation before it is made and may throw instead.
 */
export class SpyFileSystem {
  readonly operations: Operation[] = [];
  readonly fileSystem: FileSystem;
  #before: (operation: Operation) => void;
  #pending = 0;

  constructor(before: (operation: Operation) => void = () => {}) {
    this.#before = before;
    this.fileSystem = this.#watched(systemFileSystem, '');
  }

  /** From now on, `before` sees what is done. */
  intercept(before: (operation: Operation) => void): void {
    this.#before = before;
    this.operations.length = 0;
  }

  /** Resolves when no operation is under way. */
  async idle(): Promise<void> {
    let quiet = 0;
    while (quiet < 5) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#pending === 0 ? quiet + 1 : 0;
    }
  }

  #watched<Target extends object>(target: Target, prefix: string): Target {
    return new Proxy(target, {
      get: (object, property) => {
        const member: unknown = Reflect.get(object, property);
        if (!isMethod(member)) return member;
        return (...parameters: unknown[]) =>
          this.#call(object, `${prefix}${String(property)}`, member, parameters);
      },
    });
  }

  async #call(
    object: object,
    name: string,
    member: (...parameters: never[]) => unknown,
    parameters: unknown[],
  ) {
    const path = typeof parameters[0] === 'string' ? parameters[0] : '';
    const flags = name === 'open' ? ` ${String(parameters[1])}` : '';
    const operation = { name: name + flags, path, number: this.operations.length + 1 };
    this.operations.push(operation);
    this.#pending += 1;
    try {
      // A file that fails to close is closed all the same.
      if (name === 'file.close') await Reflect.apply(member, object, parameters);
      this.#before(operation);
      if (name === 'file.close') return;
      const result: unknown = await Reflect.apply(member, object, parameters);
      return name === 'open' ? this.#watched(result as object, 'file.') : result;
    } finally {
      this.#pending -= 1;
    }
  }
}

/** An error as the system makes it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

function isMethod(value: unknown): value is (...parameters: never[]) => unknown {
  return typeof value === 'function';
}
