import { describe, expect, it } from 'vitest';
import { EventReader } from './sse';

describe('EventReader', () => {
  it.each<[string, string[], string[]]>([
    ['one event', ['data: a\n\n'], ['a']],
    ['cut anywhere', ['da', 'ta: a\n', '\nda', 'ta: b\n\n'], ['a', 'b']],
    ['several lines of data', ['data: a\ndata: b\n\n'], ['a\nb']],
    ['carriage returns', ['data: a\r', '\n\r\n'], ['a']],
    ['comments that only keep the connection open', [': ping\n\n'], []],
    ['other fields', ['event: live\nid: 4\ndata:x\n\n'], ['x']],
    ['an event that never ends', ['data: a\n'], []],
  ])('%s', (_name, pieces, events) => {
    const reader = new EventReader();
    expect(pieces.flatMap((piece) => reader.push(piece))).toEqual(events);
  });
});
