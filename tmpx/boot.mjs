import { register } from 'tsx/esm/api';
import { register as cjs } from 'tsx/cjs/api';
register(); cjs();
await import(process.env.FV_ENTRY ?? new URL('./w.ts', import.meta.url).href);
