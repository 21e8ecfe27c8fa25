/**
 * Foreign text, made safe to show: nothing in it is invisible, turns the text around or draws over what stands near it. The
 * same as `visible` of crates/core/src/visible.rs, which says why, and held to the same table of cases.
 */

/** Combining marks on one letter that are shown. */
const MARKS = 8;
/** Stands for the marks that are not shown. */
const LEFT_OUT = '\ufffd';

const HIDDEN =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class
  /[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;
const PLAIN = /^[\x20-\x7e\n\t]*$/;
const MARK = /^\p{M}$/u;
/** Letters and marks of scripts in which a joiner changes how they look. */
const JOINS =
  /[\u0620-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18aa\u1a00-\u1cff\ua800-\uabff\ufb50-\ufdff\u{11000}-\u{11fff}]/u;
/** What emoji are made of. */
const PICTURES = /[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\u{1f000}-\u{1faff}]/u;
const HAN = /[\u2e80-\u9fff\uf900-\ufaff\u{20000}-\u{323af}]/u;

/** What is not seen by itself and belongs where it is: a joiner between what joins, the look of an emoji, a variant. */
function standsHere(before: string, c: string, after: string): boolean {
  if (before === '') return false;
  const code = c.codePointAt(0) ?? 0;
  if (code === 0x200c) return JOINS.test(before) && JOINS.test(after);
  if (code === 0x200d) {
    const emoji = (PICTURES.test(before) || before === '\ufe0f') && PICTURES.test(after);
    return emoji || (JOINS.test(before) && JOINS.test(after));
  }
  if (code === 0xfe0e || code === 0xfe0f) return PICTURES.test(before) || /[0-9#*]/.test(before);
  if (code >= 0xfe00 && code <= 0xfe0d) {
    return /[\u2200-\u22ff\u1000-\u109f\ua840-\ua87f]/u.test(before) || HAN.test(before);
  }
  if ((code >= 0x180b && code <= 0x180d) || code === 0x180f) return /[\u1820-\u18aa]/u.test(before);
  if (code >= 0xe0100 && code <= 0xe01ef) return HAN.test(before);
  return false;
}

export function visible(text: string): string {
  // Almost every text is plain.
  if (PLAIN.test(text)) return text;
  const all = [...text];
  let [out, before, marks, leftOut] = ['', '', 0, false];
  all.forEach((c, i) => {
    if (!HIDDEN.test(c) && MARK.test(c)) {
      marks += 1;
      if (marks <= MARKS) out += c;
      else leftOut = true;
      before = c;
      return;
    }
    marks = 0;
    if (leftOut) [out, before, leftOut] = [out + LEFT_OUT, LEFT_OUT, false];
    const kept = c === '\n' || c === '\t' || !HIDDEN.test(c) || standsHere(before, c, all[i + 1] ?? '');
    out += kept ? c : `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
    before = kept ? c : '}';
  });
  return leftOut ? out + LEFT_OUT : out;
}
