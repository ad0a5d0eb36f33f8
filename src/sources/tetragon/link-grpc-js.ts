import { Client, type ClientUnaryCall, credentials, Metadata, status } from '@grpc/grpc-js';
import type { GrpcStatus } from '../grpc-errors.ts';
import { type AgentLink, type LinkOptions, windowBytes } from './link.ts';
import { tetragonProtocol, type UnaryMethod } from './protocol.ts';

/** A link on @grpc/grpc-js. It copies each message and pauses the stream for each: that is what it costs. */
export function grpcJsLink(options: LinkOptions): AgentLink {
  const { tls } = options;
  const name = tls?.server_name;
  const client = new Client(
    options.target,
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null),
    {
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc-node.flow_control_window': windowBytes,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      // A channel of our own: certificates are read anew at each connection, and closing it closes the socket.
      'grpc.use_local_subchannel_pool': 1,
      ...(name !== undefined && {
        'grpc.ssl_target_name_override': name,
        'grpc.default_authority': name,
      }),
    },
  );

  const calls = new Set<ClientUnaryCall>();

  function unary<Answer>(method: UnaryMethod<Answer>, timeoutSecs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        {},
        new Metadata(),
        { deadline: Date.now() + timeoutSecs * 1000 },
        (error, answer) => {
          calls.delete(call);
          if (error === null) resolve(answer as Answer);
          else reject(error);
        },
      );
      calls.add(call);
    });
  }

  return {
    version: async (timeoutSecs) => (await unary(tetragonProtocol().getVersion, timeoutSecs)).version,
    health: async (timeoutSecs) => void (await unary(tetragonProtocol().getHealth, timeoutSecs)),
    events(request, onMessage) {
      const call = client.makeServerStreamRequest(
        tetragonProtocol().getEvents.path,
        (bytes: Buffer) => bytes,
        // The bytes themselves, never null: grpc-js would end the stream without a word.
        (message: Buffer) => message,
        request,
      );
      const ended = new Promise<GrpcStatus>((resolve) => {
        call.on('data', (message: Buffer) => onMessage(message, 0, message.length));
        call.on('error', resolve as (error: unknown) => void);
        call.on('end', () => resolve({ code: status.OK }));
      });
      return { ended, cancel: () => call.cancel() };
    },
    close() {
      for (const call of calls) call.cancel();
      client.close();
    },
  };
}
