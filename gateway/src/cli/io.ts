/** What a command may touch of the world: so that commands are tested without a process. */
export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether a person reads along: then texts may be coloured and questions asked. */
  readonly isTerminal: boolean;
  /** Asks a yes-or-no question. Absent where nobody can answer. */
  confirm?(question: string): Promise<boolean>;
  /** What stands on the standard input, to its end; from a terminal one line, which is not shown. */
  readSecret?(prompt: string): Promise<string>;
}
