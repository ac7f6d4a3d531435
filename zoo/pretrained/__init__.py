"""Pretrained trunks: their files, and which variables are trained."""
