"""Shell: training, backtest and demo, composed of the rooms above."""
