// Reads {"cases": [{"tokenizer": path, "texts": [...]}]} and writes, for each case and text, the ids without and with special tokens
// and the text decoded from the former, as @huggingface/tokenizers has them.
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';

const { cases, normalize } = JSON.parse(readFileSync(0, 'utf8'));
const results = (cases ?? []).map(({ tokenizer, texts }) => {
  const reference = new Tokenizer(JSON.parse(readFileSync(tokenizer, 'utf8')), { clean_up_tokenization_spaces: false });
  return texts.map((text) => {
    const ids = reference.encode(text, { add_special_tokens: false }).ids;
    return { ids, withSpecial: reference.encode(text).ids, decoded: ids.length > 0 && ids.every(Number.isInteger) ? reference.decode(ids, { skip_special_tokens: false }) : '' };
  });
});
const normalized = (normalize ?? []).map((text) => ['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => text.normalize(form)));
process.stdout.write(JSON.stringify({ results, normalized }));
