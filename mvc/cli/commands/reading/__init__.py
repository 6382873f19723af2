"""Commands that show what there is: `mvc status`, `diff`, `ls` and `log`."""
