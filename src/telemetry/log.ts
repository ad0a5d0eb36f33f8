import winston from 'winston';

/** Fields of a log line beside level and message. Values are plain JSON; secrets never get here. */
export type LogFields = Record<string, unknown>;

/** What the rest of Lanner sees of the log. A line stands where something is handled, never per event. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** `json` for log collectors, `text` for a person at a terminal. Writes to standard error. */
export interface LogOptions {
  level: 'error' | 'warn' | 'info' | 'debug';
  format: 'json' | 'text';
}

const text = winston.format.printf(({ timestamp, level, message, ...fields }) => {
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(timestamp).slice(11, 23)} ${level.padEnd(5)} ${String(message)}${rest.join('')}`;
});

/**
 * The log; `flush` is fulfilled when everything written so far has left the process, `adopt` changes level and form
 * from the next line on.
 */
export function openLog(
  options: LogOptions,
): Log & { flush(): Promise<void>; adopt(options: LogOptions): void } {
  const stamp = winston.format.timestamp({ format: () => new Date().toISOString() });
  const formOf = ({ format }: LogOptions) =>
    winston.format.combine(stamp, format === 'json' ? winston.format.json() : text);
  const logger = winston.createLogger({
    level: options.level,
    format: formOf(options),
    transports: [new winston.transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
  });
  return Object.assign(
    {
      error: (message: string, fields: LogFields = {}) => void logger.error(message, fields),
      warn: (message: string, fields: LogFields = {}) => void logger.warn(message, fields),
      info: (message: string, fields: LogFields = {}) => void logger.info(message, fields),
      debug: (message: string, fields: LogFields = {}) => void logger.debug(message, fields),
    },
    {
      adopt(other: LogOptions) {
        logger.level = other.level;
        logger.format = formOf(other);
      },
      flush: () =>
        new Promise<void>((resolve) => {
          logger.once('finish', resolve);
          logger.end();
        }),
    },
  );
}

/** A log that keeps nothing: for tests and for commands that speak for themselves. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };
