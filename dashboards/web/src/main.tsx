import { render } from 'preact';
import { App } from './app';
import { theme, wear } from './state/theme';
import './style.css';

wear(theme());
render(<App />, document.getElementById('app')!);
