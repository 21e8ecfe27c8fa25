/** Reads server-sent events from text that arrives in arbitrary pieces. Only `data` matters to the window. */
export class EventReader {
  #rest = '';
  #data: string[] = [];

  /** The data of every event that this piece completes. */
  push(piece: string): string[] {
    const done: string[] = [];
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) done.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line.startsWith('data:')) {
        this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return done;
  }
}
