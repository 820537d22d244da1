import * as grpc from '@grpc/grpc-js';

/** What the test service is asked, and what it answers. */
export interface Message {
  readonly text?: string;
  /** For the server: how many answers, and how many bytes each of them is padded with. */
  readonly count?: number;
  readonly padding?: number;
}

const serialize = (message: Message) =>
  Buffer.concat([
    Buffer.from(`${JSON.stringify({ ...message, padding: 0 })}\n`),
    Buffer.alloc(message.padding ?? 0),
  ]);
const deserialize = (bytes: Buffer): Message => ({
  ...(JSON.parse(bytes.subarray(0, bytes.indexOf('\n')).toString()) as Message),
  padding: bytes.length - bytes.indexOf('\n') - 1,
});

const method = <Name extends string>(name: Name, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
});

/** A service of all four kinds of calls, made without a .proto file. */
export const ECHO = {
  unary: method('Unary', false, false),
  upload: method('Upload', true, false),
  download: method('Download', false, true),
  chat: method('Chat', true, true),
};

export interface EchoServer {
  readonly port: number;
  /** What the server has noticed, such as `cancelled`. */
  readonly events: string[];
  close(): void;
}

/** A server of gRPC without TLS, or with it, on a free port of 127.0.0.1. */
export async function echoServer(
  credentials: grpc.ServerCredentials = grpc.ServerCredentials.createInsecure(),
): Promise<EchoServer> {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const events: string[] = [];
  server.addService(ECHO, {
    unary(call: grpc.ServerUnaryCall<Message, Message>, done: grpc.sendUnaryData<Message>) {
      call.on('cancelled', () => events.push('cancelled'));
      const { text, padding } = call.request;
      if (text === 'never') return;
      const trailers = new grpc.Metadata();
      trailers.set('x-trailer', 'at the end');
      trailers.set('x-data-bin', Buffer.from([0, 255, 7]));
      if (text === 'fail') {
        done({ code: grpc.status.RESOURCE_EXHAUSTED, details: 'zu viel für heute', metadata: trailers });
        return;
      }
      if (text === 'where') {
        done(null, { text: `${call.getPeer()} ${call.metadata.get('x-forwarded-for')} ${call.getHost()}` });
        return;
      }
      if (text === 'deadline') {
        done(null, { text: String(Number(call.getDeadline()) - Date.now()) });
        return;
      }
      done(null, { text: text ?? '', padding: padding ?? 0 }, trailers);
    },
    upload(call: grpc.ServerReadableStream<Message, Message>, done: grpc.sendUnaryData<Message>) {
      let count = 0;
      let padding = 0;
      call.on('cancelled', () => events.push('cancelled'));
      call.on('data', (message: Message) => {
        count += 1;
        padding += message.padding ?? 0;
        if (message.text === 'enough') {
          done({ code: grpc.status.FAILED_PRECONDITION, details: 'enough of it' });
          call.removeAllListeners('data');
          call.resume();
        }
      });
      call.on('end', () => done(null, { count, text: String(padding) }));
    },
    download(call: grpc.ServerWritableStream<Message, Message>) {
      const { count = 0, padding = 0, text } = call.request;
      call.on('cancelled', () => events.push('cancelled'));
      let sent = 0;
      const more = () => {
        while (sent < count) {
          sent += 1;
          events.push('sent');
          if (!call.write({ count: sent, padding })) {
            call.once('drain', more);
            return;
          }
        }
        if (text === 'stay') return;
        if (text === 'fail') call.emit('error', { code: grpc.status.ABORTED, details: 'halfway' });
        else call.end();
      };
      more();
    },
    chat(call: grpc.ServerDuplexStream<Message, Message>) {
      call.on('cancelled', () => events.push('cancelled'));
      call.on('data', (message: Message) => call.write({ text: `you said ${message.text}` }));
      call.on('end', () => {
        events.push('client ended');
        call.end();
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, events, close: () => server.forceShutdown() };
}

/** A client of {@link ECHO} that speaks TLS, as to a proxy. */
export class EchoClient {
  readonly #client: grpc.Client;

  constructor(port: number, root: string, name: string) {
    this.#client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(Buffer.from(root)), {
      'grpc.ssl_target_name_override': name,
      'grpc.default_authority': name,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** Resolves with the answer and the trailers; rejects with a ServiceError. */
  unary(
    message: Message,
    options: grpc.CallOptions = {},
  ): Promise<{ answer: Message; trailers: grpc.Metadata }> {
    return new Promise((resolve, reject) => {
      let trailers = new grpc.Metadata();
      let answer: Message = {};
      const call = this.#client.makeUnaryRequest(
        ECHO.unary.path,
        serialize,
        deserialize,
        message,
        new grpc.Metadata(),
        options,
        (error, value) => {
          if (error !== null) reject(error);
          else answer = value ?? {};
        },
      );
      call.on('status', (status) => {
        trailers = status.metadata;
        if (status.code === grpc.status.OK) resolve({ answer, trailers });
      });
    });
  }

  upload(
    done: (error: grpc.ServiceError | null, answer?: Message) => void,
  ): grpc.ClientWritableStream<Message> {
    return this.#client.makeClientStreamRequest(ECHO.upload.path, serialize, deserialize, done);
  }

  download(message: Message): grpc.ClientReadableStream<Message> {
    return this.#client.makeServerStreamRequest(ECHO.download.path, serialize, deserialize, message);
  }

  chat(): grpc.ClientDuplexStream<Message, Message> {
    return this.#client.makeBidiStreamRequest(ECHO.chat.path, serialize, deserialize);
  }
}
